"use strict";
(function () {
  const body = document.querySelector("tbody");
  const rows = Array.from(body.rows);
  const plain = (text) => text.normalize("NFKC").toLowerCase();
  const texts = new Map(rows.map((row) => [row, plain(row.textContent)]));
  const number = document.getElementById("number");
  const search = document.getElementById("search");

  function show() {
    const words = plain(search.value).split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = texts.get(row);
      row.hidden = !words.every((word) => text.includes(word));
      if (!row.hidden) shown += 1;
    }
    const all = rows.length.toLocaleString();
    number.textContent = shown.toLocaleString() + " " + number.dataset.of + " " + all + " " + number.dataset.shown;
    document.getElementById("empty").hidden = shown > 0;
  }

  function sort(heading, column) {
    const down = heading.getAttribute("aria-sort") === "ascending";
    for (const other of document.querySelectorAll("th")) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const order = new Intl.Collator(document.documentElement.lang, { numeric: true }).compare;
    const keyed = rows.map((row, place) => [row.cells[column].textContent, place, row]);
    keyed.sort((a, b) => (down ? order(b[0], a[0]) : order(a[0], b[0])) || a[1] - b[1]);
    body.append(...keyed.map((one) => one[2]));
  }

  document.querySelectorAll("th").forEach((heading, column) => {
    heading.querySelector("button").addEventListener("click", () => sort(heading, column));
  });
  document.getElementById("print").addEventListener("click", () => window.print());
  let waiting = 0;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(show, rows.length > 2000 ? 200 : 0);
  });
  show();
})();
