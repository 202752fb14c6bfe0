// An authorization server of somebody else's (oidc-provider), over TLS, for three clients of
// client_credentials: two with a secret, one with a key. Prints its address, serves until stdin ends.
// Its issuer has a path, for MSAL refuses one without (msal/authority.py, canonicalize).
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import Provider from "oidc-provider";

const PATH = "/ledger";
const asked = JSON.parse(process.argv[2]);
const server = createServer({
  key: readFileSync(asked.key),
  cert: readFileSync(asked.certificate),
});
const client = (id, method, more) => ({
  client_id: id,
  grant_types: ["client_credentials"],
  redirect_uris: [],
  response_types: [],
  token_endpoint_auth_method: method,
  ...more,
});
server.listen(0, "127.0.0.1", () => {
  const issuer = `https://localhost:${server.address().port}${PATH}`;
  const provider = new Provider(issuer, {
    clients: [
      client("with-secret", "client_secret_post", { client_secret: asked.secret }),
      client("with-claims", "client_secret_post", { client_secret: asked.secret }),
      client("with-key", "private_key_jwt", { jwks: { keys: [asked.jwk] } }),
    ],
    // What tokens of Entra ID say besides, for the one client whose name asks for it.
    extraTokenClaims: (_, token) => (token.clientId === "with-claims" ? asked.claims : undefined),
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => asked.resource,
        getResourceServerInfo: () => ({
          scope: "read",
          audience: asked.resource,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: "RS256" } },
        }),
      },
    },
  });
  provider.on("grant.error", (_, error) => console.error(error.error_description, error.error_detail));
  const answer = provider.callback();
  server.on("request", (request, response) => {
    // What Express does for an application that is mounted below a path.
    request.originalUrl = request.url;
    request.baseUrl = PATH;
    request.url = request.url.replace(PATH, "");
    answer(request, response);
  });
  console.log(issuer);
});
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
