// Works on a directory with @microsoft/microsoft-graph-client, as standard input says; answers in JSON.
import { readFileSync } from "node:fs";
import {
  BatchRequestContent,
  BatchResponseContent,
  Client,
  PageIterator,
} from "@microsoft/microsoft-graph-client";

const asked = JSON.parse(readFileSync(0, "utf8"));
const client = Client.init({
  baseUrl: asked.url,
  customHosts: new Set([new URL(asked.url).hostname]),
  authProvider: (done) => done(null, asked.token),
});

async function walk(page) {
  const found = [];
  const iterator = new PageIterator(client, page, (one) => found.push(one) > 0);
  await iterator.iterate();
  return { found, deltaLink: iterator.getDeltaLink() };
}

const users = await walk(await client.api("/users").top(100).select("id,displayName").get());
const filtered = await client.api("/users").filter("startswith(displayName,'Node ')").get();
const created = await client.api("/users").post({
  accountEnabled: true,
  displayName: "Node Made",
  mailNickname: "node.made",
  userPrincipalName: asked.upn,
  passwordProfile: { password: "Not-looked-at-1", forceChangePasswordNextSignIn: false },
});
const round = await walk(await client.api("/users/delta").select("displayName").get());
await client.api(`/users/${created.id}`).patch({ displayName: "Node Renamed" });
const renamed = await client.api("/users").filter(`userPrincipalName eq '${asked.upn}'`).get();
const batch = new BatchRequestContent([
  { id: "1", request: new Request(`${asked.url}/users/${created.id}`, { method: "GET" }) },
  { id: "2", request: new Request(`${asked.url}/users/nobody@nowhere.example`, { method: "GET" }) },
]);
const answers = new BatchResponseContent(
  await client.api("/$batch").post(await batch.getContent()),
);
await client.api(`/users/${created.id}`).delete();
const changes = await walk(await client.api(round.deltaLink).get());
console.log(
  JSON.stringify({
    users: users.found.length,
    before: filtered.value.length,
    created: created.displayName,
    walked: round.found.length,
    renamed: renamed.value.map((one) => one.displayName),
    batch: [answers.getResponseById("1").status, answers.getResponseById("2").status],
    changes: changes.found.map((one) => one["@removed"]?.reason ?? "changed"),
    deleted: changes.found.some((one) => one.id === created.id && one["@removed"]),
  }),
);
