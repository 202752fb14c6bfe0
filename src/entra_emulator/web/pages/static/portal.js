// Buttons that copy, and menus that close by themselves. Every page works without.
"use strict";

const status = document.getElementById("copied");

for (const button of document.querySelectorAll("button.copy")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copies);
    await navigator.clipboard.writeText(source.textContent);
    status.textContent = "";
    status.textContent = status.dataset.text;
    button.classList.add("done");
    setTimeout(() => button.classList.remove("done"), 1500);
  });
}

const account = document.getElementById("account");

if (account) {
  document.addEventListener("click", (event) => {
    if (!account.contains(event.target)) account.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && account.open) {
      account.open = false;
      account.querySelector("summary").focus();
    }
  });
}
