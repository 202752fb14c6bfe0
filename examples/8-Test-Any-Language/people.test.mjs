// The program's tests, against a pretend tenant in a container (Testcontainers), or against one that
// runs already: PRETEND_TENANT=https://127.0.0.1:8443 with PRETEND_TENANT_CA=tenant/ca.pem.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";

import { listNames } from "./people.mjs";

const APPLICATION = {
  tenant: "fabrikam.onmicrosoft.com",
  clientId: "6a1f6b6e-8a6b-4d0b-9c58-1d5b1a6c7e10",
  secret: "pretend-secret-of-the-tests",
};

let container;
let settings;

before(async () => {
  let url = process.env.PRETEND_TENANT;
  let ca;
  if (url) {
    ca = await readFile(process.env.PRETEND_TENANT_CA);
  } else {
    const { GenericContainer, Wait } = await import("testcontainers");
    const image = await GenericContainer.fromDockerfile(import.meta.dirname, "Containerfile").build();
    container = await image
      .withExposedPorts(8443)
      .withWaitStrategy(Wait.forLogMessage(/^Serving /m))
      .start();
    url = `https://localhost:${container.getMappedPort(8443)}`;
    ca = (await container.exec(["cat", "/tenant/ca.pem"])).output;
  }
  settings = { ...APPLICATION, login: url, graph: url, ca };
});

after(() => container?.stop());

test("everybody is listed", async () => {
  assert.deepEqual((await listNames(settings)).sort(), ["Ada Lovelace", "Grace Hopper"]);
});

test("a wrong secret is explained", async () => {
  await assert.rejects(listNames({ ...settings, secret: "wrong" }), /AADSTS7000215/);
});
