// A program: the names of everybody in a directory, as an app by itself.
import https from "node:https";

const SCOPE = "https://graph.microsoft.com/.default";

/** Everybody's names, from an authority and a Graph, which are Microsoft's unless told otherwise. */
export async function listNames({ tenant, clientId, secret, ca,
                                  login = "https://login.microsoftonline.com",
                                  graph = "https://graph.microsoft.com" }) {
  const form = new URLSearchParams({
    grant_type: "client_credentials", client_id: clientId, client_secret: secret, scope: SCOPE,
  });
  const token = await send(`${login}/${tenant}/oauth2/v2.0/token`, { ca, method: "POST" }, form);
  const names = [];
  let url = `${graph}/v1.0/users?$select=displayName`;
  while (url) {
    const page = await send(url, { ca, headers: { authorization: `Bearer ${token.access_token}` } });
    names.push(...page.value.map((user) => user.displayName));
    url = page["@odata.nextLink"];
  }
  return names;
}

function send(url, options, form) {
  return new Promise((resolve, reject) => {
    const headers = { ...options.headers };
    if (form) headers["content-type"] = "application/x-www-form-urlencoded";
    const request = https.request(url, { ...options, headers }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => { body += chunk; });
      response.on("end", () => {
        const answer = JSON.parse(body);
        if (response.statusCode === 200) resolve(answer);
        else reject(new Error(answer.error_description ?? answer.error.message));
      });
    });
    request.on("error", reject);
    request.end(form?.toString());
  });
}
