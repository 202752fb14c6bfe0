// Asks for one token with @azure/msal-node, as standard input says; answers in JSON.
import { readFileSync } from "node:fs";
import { ConfidentialClientApplication } from "@azure/msal-node";

const asked = JSON.parse(readFileSync(0, "utf8"));
const client = new ConfidentialClientApplication({
  auth: {
    clientId: asked.clientId,
    authority: asked.authority,
    knownAuthorities: [new URL(asked.authority).host],
    clientSecret: asked.secret,
    clientCertificate: asked.certificate,
  },
});
try {
  const result = await client.acquireTokenByClientCredential({ scopes: [asked.scope] });
  console.log(JSON.stringify({ token: result.accessToken, expiresOn: result.expiresOn }));
} catch (error) {
  console.log(JSON.stringify({ code: error.errorCode, message: error.errorMessage ?? String(error) }));
}
