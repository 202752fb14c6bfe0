// Microsoft's client for Node: pages of 999, its page iterator, a token through msal-node.
import { createRequire } from "node:module";
import process from "node:process";

const require = createRequire(process.env.BENCH_NODE_MODULES + "/");
const { ConfidentialClientApplication } = require("@azure/msal-node");
const { Client, PageIterator } = require("@microsoft/microsoft-graph-client");

const app = new ConfidentialClientApplication({
  auth: {
    clientId: process.env.BENCH_CLIENT_ID,
    clientSecret: process.env.BENCH_SECRET,
    authority: `https://login.microsoftonline.com/${process.env.BENCH_TENANT}`,
  },
});
const client = Client.initWithMiddleware({
  authProvider: {
    async getAccessToken() {
      const scopes = ["https://graph.microsoft.com/.default"];
      return (await app.acquireTokenByClientCredential({ scopes })).accessToken;
    },
  },
});

let lines = [];
const flush = () => {
  process.stdout.write(lines.join("\n") + "\n");
  lines = [];
};
const put = (user) => {
  lines.push(JSON.stringify(user));
  if (lines.length === 999) flush();
  return true;
};
const first = await client.api("/users").top(999).get();
await new PageIterator(client, first, put).iterate();
if (lines.length) flush();
