"use strict";
// Sortable tables: a click on a heading orders the rows by their data-sort values, best first where the heading says
// which end that is (data-first), and a second click turns them round. Each part of a table is ordered on its own,
// below its heading, and what is pinned stays above.
for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const now = heading.getAttribute("aria-sort");
      const first = heading.dataset.first ?? "ascending";
      const other = first === "ascending" ? "descending" : "ascending";
      sortTable(table, column, now === first ? other : first);
      table.dispatchEvent(new CustomEvent("sorted", { bubbles: true }));
    });
  });
}

function sortTable(table, column, order) {
  for (const heading of table.tHead.rows[0].cells) heading.removeAttribute("aria-sort");
  table.tHead.rows[0].cells[column].setAttribute("aria-sort", order);
  for (const body of table.tBodies) {
    for (const opened of body.querySelectorAll("tr.details")) opened.remove();
    const rows = [...body.rows].filter((row) => !row.classList.contains("over"));
    const pinned = (row) => Number(row.classList.contains("pinned"));
    const down = order === "descending";
    body.append(...rows.sort((a, b) => pinned(b) - pinned(a) || compare(a.cells[column], b.cells[column], down)));
    for (const open of body.querySelectorAll("[aria-expanded=true]")) open.setAttribute("aria-expanded", "false");
  }
}

// Empty values stay at the end in both directions.
function compare(a, b, down) {
  const [x, y] = [a.dataset.sort ?? a.textContent.trim(), b.dataset.sort ?? b.textContent.trim()];
  if (x === "" || y === "") return (x === "") - (y === "");
  const numbers = [Number(x), Number(y)];
  const order = numbers.some(Number.isNaN) ? x.localeCompare(y) : numbers[0] - numbers[1];
  return down ? -order : order;
}
