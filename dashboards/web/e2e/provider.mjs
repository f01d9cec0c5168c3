// A provider of identities for a test: oidc-provider, which is certified by the OpenID Foundation, with people and groups of its
// own and one client, ours. It signs in whoever types a login that it knows, with any password, as its own pages for trials do.
//
//   node provider.mjs CLIENT_ID CLIENT_SECRET REDIRECT_URI     prints its issuer once it answers

import { createServer } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import Provider from "oidc-provider";

const [client_id, client_secret, redirect] = process.argv.slice(2);
/** Who there is, and in which groups. */
const PEOPLE = {
  petrova: { name: "А. Петрова", groups: ["staff", "traffic-duty"] },
  orlov: { name: "И. Орлов", groups: ["traffic-chiefs"] },
  guest: { name: "Гость", groups: ["staff"] },
};

const server = createServer().listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" });
  const provider = new Provider(issuer, {
    clients: [{ client_id, client_secret, redirect_uris: [redirect], id_token_signed_response_alg: "ES256" }],
    jwks: { keys: [{ ...key, alg: "ES256", use: "sig", kid: "one" }] },
    claims: { openid: ["sub"], profile: ["name", "preferred_username", "groups"] },
    cookies: { keys: ["a key of this test alone"] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: true } },
    findAccount: (_, id) => id in PEOPLE && { accountId: id, claims: () => ({ sub: id, preferred_username: id, ...PEOPLE[id] }) },
  });
  server.on("request", provider.callback());
  console.log(issuer);
});
