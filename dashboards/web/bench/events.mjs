// Server-sent events out of a stream of text, however it is cut into pieces. Events here are up to megabytes long, so pieces are
// put together once, not with every piece that comes.

export function readEvents(stream, take) {
  let pieces = [];
  stream.setEncoding("utf8");
  stream.on("data", (data) => {
    let rest = data;
    // The blank line that ends an event may itself be cut.
    if (rest.startsWith("\n") && pieces.at(-1)?.endsWith("\n")) {
      pieces[pieces.length - 1] = pieces.at(-1).slice(0, -1);
      rest = `\n${rest}`;
    }
    for (let end = rest.indexOf("\n\n"); end >= 0; end = rest.indexOf("\n\n")) {
      pieces.push(rest.slice(0, end));
      rest = rest.slice(end + 2);
      const event = pieces.join("");
      pieces = [];
      take(event);
    }
    if (rest !== "") pieces.push(rest);
  });
}
