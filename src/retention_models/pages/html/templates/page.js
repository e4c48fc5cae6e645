// Sorts and filters tables, and shows the code to analysts. The page says all it has to say without it:
// what only works with it is made here. Its words stand in data-attributes of what they are about.
"use strict";

function make(tag, properties, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

// A cell's data-value is a number, or empty where it has nothing to say and goes last. A cell without one
// is a number if its text begins as one (1,234 and then its interval, or −5%), or else a word.
function keyOf(row, column) {
  const cell = row.cells[column];
  if (!cell || cell.colSpan > 1) return null;
  if (cell.dataset.value !== undefined) return cell.dataset.value === "" ? null : Number(cell.dataset.value);
  const text = (cell.firstChild?.textContent ?? "").trim();
  if (cell.tagName === "TD" && /^[+−]?[\d,]+%?$/.test(text)) {
    return Number(text.replace("−", "-").replace(/[,%+]/g, ""));
  }
  return cell.textContent.trim();
}

function sortRows(table, column, direction) {
  const body = table.tBodies[0];
  const compare = new Intl.Collator(document.documentElement.lang, { numeric: true }).compare;
  const keyed = [...body.rows].map((row) => ({ row, key: keyOf(row, column) }));
  keyed.sort((a, b) => {
    if (a.key === null || b.key === null) return (a.key === null) - (b.key === null);
    const order = typeof a.key === "number" && typeof b.key === "number"
      ? a.key - b.key : compare(String(a.key), String(b.key));
    return direction === "ascending" ? order : -order;
  });
  body.append(...keyed.map((entry) => entry.row));
  [...table.tHead.rows[0].cells].forEach((head, place) => {
    if (place === column) head.setAttribute("aria-sort", direction);
    else head.removeAttribute("aria-sort");
  });
}

function headsOf(table) {
  return [...table.tHead.rows[0].cells]
    .map((head, column) => ({ head, column, name: head.textContent.trim() }))
    .filter((entry) => !("unsorted" in entry.head.dataset));
}

// Text first from A, numbers first from the largest.
function firstDirection(table, column) {
  const keys = [...table.tBodies[0].rows].map((row) => keyOf(row, column));
  return keys.some((key) => typeof key === "number") ? "descending" : "ascending";
}

function makeSortable(table, tools) {
  const choice = make("select", {});
  const turn = make("button", { type: "button", className: "cards-only" });
  const say = (column, direction) => {
    choice.value = String(column);
    turn.dataset.direction = direction;
    turn.textContent = table.dataset[direction];
  };
  const sort = (column, direction) => {
    sortRows(table, column, direction);
    say(column, direction);
  };
  const heads = headsOf(table);
  for (const { head, column, name } of heads) {
    const button = make("button", { type: "button" }, ...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      const turned = now === "ascending" ? "descending" : "ascending";
      sort(column, now ? turned : firstDirection(table, column));
    });
    choice.append(make("option", { value: String(column) }, name));
  }
  // Where the table is shown as cards there are no heads to press.
  choice.addEventListener("change", () => {
    const column = Number(choice.value);
    sort(column, firstDirection(table, column));
  });
  turn.addEventListener("click", () => {
    sort(Number(choice.value), turn.dataset.direction === "ascending" ? "descending" : "ascending");
  });
  // The order in which the page itself has its rows.
  const [column, direction] = table.dataset.sorted.split(" ");
  table.tHead.rows[0].cells[Number(column)].setAttribute("aria-sort", direction);
  say(column, direction);
  tools.append(make("label", { className: "cards-only" }, table.dataset.sortBy, " ", choice), turn);
}

function plain(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLocaleLowerCase(document.documentElement.lang);
}

function makeFindable(table, tools) {
  const number = new Intl.NumberFormat(document.documentElement.lang).format;
  const rows = [...table.tBodies[0].rows].map((row) => ({ row, text: plain(row.cells[0].textContent) }));
  const box = make("input", { type: "search", dir: "auto", autocomplete: "off" });
  const said = make("p", { className: "found" });
  said.setAttribute("role", "status");
  box.addEventListener("input", () => {
    const wanted = plain(box.value.trim());
    let shown = 0;
    for (const { row, text } of rows) {
      row.hidden = !text.includes(wanted);
      shown += row.hidden ? 0 : 1;
    }
    said.textContent = wanted === "" ? ""
      : table.dataset.found.replace("{shown}", number(shown)).replace("{all}", number(rows.length));
  });
  tools.append(make("label", {}, table.dataset.find, " ", box), said);
}

function makeCodeSwitch(codes, place) {
  const button = make("button", { type: "button" }, place.dataset.showCode);
  button.setAttribute("aria-pressed", "false");
  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(on));
    document.documentElement.classList.toggle("with-code", on);
    for (const code of codes) code.open = on;
  });
  place.append(button);
}

document.documentElement.classList.add("scripted");
for (const table of document.querySelectorAll("table.sortable")) {
  const tools = make("div", { className: "tools" });
  if (table.dataset.find) makeFindable(table, tools);
  makeSortable(table, tools);
  table.closest(".scroll").before(tools);
}
const codes = document.querySelectorAll("details.code");
const place = document.querySelector("[data-show-code]");
if (codes.length && place) makeCodeSwitch(codes, place);
