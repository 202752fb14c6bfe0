// What the theme leaves open for people who use a keyboard or a screen reader. It changes pages
// without loading them anew, and tells so through document$.
document$.subscribe(() => {
  document.querySelectorAll(".md-typeset__scrollwrap, .md-typeset pre > code").forEach((box) => {
    box.tabIndex = 0;
  });
  document.querySelectorAll(".md-code__nav").forEach((nav) => {
    nav.setAttribute("aria-label", nav.querySelector("button").title);
  });
  // Two landmarks of one name cannot be told apart.
  const names = new Set();
  document.querySelectorAll("nav[aria-label]").forEach((nav) => {
    let name = nav.getAttribute("aria-label");
    const title = nav.querySelector("label, .md-nav__title");
    if (names.has(name) && title) name = `${name}: ${title.textContent.trim()}`;
    for (let number = 2; names.has(name); number += 1) name = `${nav.getAttribute("aria-label")} ${number}`;
    names.add(name);
    nav.setAttribute("aria-label", name);
  });
});
