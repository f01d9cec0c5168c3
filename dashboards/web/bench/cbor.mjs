// As much CBOR (RFC 8949) as the wire's messages need, to write.

const head = (major, n) => {
  if (n < 24) return Buffer.from([(major << 5) | n]);
  if (n < 0x100) return Buffer.from([(major << 5) | 24, n]);
  const out = n < 0x10000 ? Buffer.alloc(3) : Buffer.alloc(5);
  out[0] = (major << 5) | (n < 0x10000 ? 25 : 26);
  if (n < 0x10000) out.writeUInt16BE(n, 1);
  else out.writeUInt32BE(n, 1);
  return out;
};

export const whole = (n) => head(0, n);
export const bytes = (data) => Buffer.concat([head(2, data.length), data]);
export function text(said) {
  const data = Buffer.from(said);
  return Buffer.concat([head(3, data.length), data]);
}
export const array = (items) => Buffer.concat([head(4, items.length), ...items]);
export const map = (entries) => Buffer.concat([head(5, entries.length), ...entries.flatMap(([key, value]) => [text(key), value])]);
export const yes = (is) => Buffer.from([is ? 0xf5 : 0xf4]);
export function single(x) {
  const out = Buffer.from([0xfa, 0, 0, 0, 0]);
  out.writeFloatBE(x, 1);
  return out;
}
export function number(x) {
  const out = Buffer.alloc(9);
  out[0] = 0xfb;
  out.writeDoubleBE(x, 1);
  return out;
}
/** Seconds since the epoch, tag 1. */
export const time = (seconds) => Buffer.concat([Buffer.from([0xc1]), number(seconds)]);
