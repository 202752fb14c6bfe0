// A program as anybody writes it: it knows Microsoft's addresses, and nothing of an emulator.
import https from "node:https";
import { DefaultAzureCredential } from "@azure/identity";
import { Client } from "@microsoft/microsoft-graph-client";
import axios from "axios";

const credential = new DefaultAzureCredential();
const { token } = await credential.getToken("https://graph.microsoft.com/.default");
const headers = { Authorization: `Bearer ${token}` };
const url = "https://graph.microsoft.com/v1.0/users?$top=999";

const fetched = await (await fetch(url, { headers })).json();
const asked = (await axios.get(url, { headers })).data;
const graph = Client.init({ authProvider: (done) => done(null, token) });
const listed = await graph.api("/users").top(999).get();
const status = await new Promise((resolve, reject) => {
  https.get(url, { headers }, (answer) => resolve(answer.resume().statusCode)).on("error", reject);
});
console.log([fetched, asked, listed].map((page) => page.value.length).join(" "), status);
