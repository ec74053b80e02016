"use strict";

// ---- tables ------------------------------------------------------------------------------------

// A cell without a number has none to sort by and stays at the end.
const numberOf = (cell) => (cell.dataset.value === undefined || cell.dataset.value === "" ? NaN : Number(cell.dataset.value));

function sortTable(header, ascending) {
  const table = header.closest("table");
  const column = [...header.parentNode.children].indexOf(header);
  const body = table.tBodies[0];
  const key = (row) => row.children[column];
  const name = (row) => key(row).lastChild.textContent;
  const rows = [...body.rows].sort((a, b) => {
    const [x, y] = [numberOf(key(a)), numberOf(key(b))];
    if (column === 0) return name(a).localeCompare(name(b)) * (ascending ? 1 : -1);
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
    return ascending ? x - y : y - x;
  });
  body.append(...rows);
  for (const other of header.parentNode.children) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
}

for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const header = button.closest("th");
    const lowFirst = header.closest("table").dataset.low === "true" || header.cellIndex === 0;
    const sorted = header.getAttribute("aria-sort");
    sortTable(header, sorted ? sorted !== "ascending" : lowFirst);
  });
}

// ---- leaderboard -------------------------------------------------------------------------------

const board = document.getElementById("leaderboard");
if (board) {
  const scores = JSON.parse(document.getElementById("scores").textContent);
  const metric = document.getElementById("metric");
  const paper = document.getElementById("paper");
  const show = () => {
    const chosen = scores[metric.value];
    board.dataset.low = String(!chosen.higher);
    document.getElementById("protocol").textContent = chosen.protocol;
    for (const row of board.tBodies[0].rows) {
      for (const cell of row.querySelectorAll("td")) {
        const found = (chosen.rows[row.dataset.row] || {})[cell.dataset.problem];
        cell.dataset.value = found && found.value !== null ? found.value : "";
        cell.title = found ? found.note : "";
        cell.replaceChildren();
        const mean = document.createElement(found && found.rank === "1" ? "strong" : "span");
        mean.textContent = found ? found.mean : "-";
        cell.append(mean);
        const texts = { half: (x) => ` \u00b1 ${x}`, rank: (x) => `rank ${x}`, paper: (x) => `paper ${x}` };
        for (const [kind, text] of Object.entries(texts)) {
          if (!found || !found[kind] || (kind === "paper" && !paper.checked)) continue;
          const more = document.createElement("span");
          more.className = kind;
          more.textContent = text(found[kind]);
          cell.append(more);
        }
      }
    }
    const sorted = board.querySelector("th[aria-sort]");
    if (sorted) sortTable(sorted, sorted.getAttribute("aria-sort") === "ascending");
  };
  const search = document.getElementById("search");
  const few = document.getElementById("few");
  const choose = () => {
    const words = search.value.trim().toLowerCase();
    for (const row of board.tBodies[0].rows) {
      const named = row.cells[0].lastChild.textContent.toLowerCase().includes(words);
      row.hidden = words ? !named : "few" in row.dataset && !few.checked;
    }
  };
  search.addEventListener("input", choose);
  if (few) few.addEventListener("change", choose);
  metric.addEventListener("change", show);
  paper.addEventListener("change", show);
  show();
}

for (const select of document.querySelectorAll("select[data-filter]")) {
  const rows = document.querySelectorAll(`#${select.dataset.filter} tbody tr`);
  const count = document.getElementById(`${select.dataset.filter}-count`);
  select.addEventListener("change", () => {
    for (const row of rows) row.hidden = Boolean(select.value) && row.dataset.is !== select.value;
    count.textContent = `${[...rows].filter((row) => !row.hidden).length} shown`;
  });
}

// ---- marks: what is pointed at says what it is, and the same method is lit everywhere -----------

const tip = document.getElementById("tip");
document.addEventListener("pointerover", (event) => {
  const row = event.target.closest("[data-row]");
  for (const lit of document.querySelectorAll(".lit")) lit.classList.remove("lit");
  tip.hidden = !(row && row.dataset.said);
  if (!row) return;
  for (const same of document.querySelectorAll(`[data-row="${row.dataset.row}"]`)) same.classList.add("lit");
  if (tip.hidden) return;
  tip.textContent = row.dataset.said;
  const { left, width, top } = row.getBoundingClientRect();
  const free = document.documentElement.clientWidth - tip.offsetWidth - 8;
  tip.style.left = `${Math.max(8, Math.min(left + width / 2 - tip.offsetWidth / 2, free))}px`;
  tip.style.top = `${top - tip.offsetHeight - 6}px`;
});

// ---- gallery -----------------------------------------------------------------------------------

function load(uri) {
  return new Promise((resolve) => {
    const image = new Image();
    image.onload = () => {
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
      const context = canvas.getContext("2d");
      context.drawImage(image, 0, 0);
      resolve(context.getImageData(0, 0, canvas.width, canvas.height));
    };
    image.src = uri;
  });
}

function paint(canvas, pixels, low, high) {
  [canvas.width, canvas.height] = [pixels.width, pixels.height];
  const shown = new ImageData(pixels.width, pixels.height);
  for (let i = 0; i < pixels.data.length; i += 1) {
    const value = (pixels.data[i] / 255 - low) / Math.max(high - low, 1e-6);
    shown.data[i] = i % 4 === 3 ? 255 : 255 * value;
  }
  canvas.getContext("2d").putImageData(shown, 0, 0);
}

function paintError(canvas, pixels, truth, largest, colours) {
  [canvas.width, canvas.height] = [pixels.width, pixels.height];
  const shown = new ImageData(pixels.width, pixels.height);
  for (let i = 0; i < pixels.data.length; i += 4) {
    let error = 0;
    for (let c = 0; c < 3; c += 1) error += Math.abs(pixels.data[i + c] - truth.data[i + c]) / 765;
    const colour = colours[Math.min(255, Math.round((255 * error) / largest))];
    shown.data.set([...colour, 255], i);
  }
  canvas.getContext("2d").putImageData(shown, 0, 0);
}

function startGallery(gallery) {
  const { items, colours, error_max: largest, left, right } = JSON.parse(gallery.querySelector("script").textContent);
  const part = (name) => gallery.querySelector(`[data-part=${name}]`);
  const key = (panel) => panel.row ?? panel.label;
  const fill = (select, values, labels = values) => {
    const before = select.value;
    select.replaceChildren(...values.map((value, i) => new Option(labels[i], value)));
    if (values.includes(before)) select.value = before;
  };
  const chosen = () => items.find((i) => i.problem === part("problem").value && i.image === part("image").value);

  async function draw() {
    const item = chosen();
    const [truth, ...pair] = await Promise.all(
      [item.panels[0], ...["left", "right"].map((side) => item.panels.find((p) => key(p) === part(side).value))]
        .map((panel) => load(panel.uri)),
    );
    if (item !== chosen()) return;
    const [low, high] = [Number(part("low").value), Number(part("high").value)];
    ["left", "right"].forEach((side, i) => {
      const panel = item.panels.find((p) => key(p) === part(side).value);
      const canvas = part(`${side}-canvas`);
      if (part("error").checked && panel !== item.panels[0]) paintError(canvas, pair[i], truth, largest, colours);
      else paint(canvas, pair[i], low, high);
      part(`${side}-label`).textContent = panel.score ? `${panel.label}: ${panel.score}` : panel.label;
    });
    gallery.dataset.drawn = [item.problem, item.image, part("left").value, part("right").value, low, high, part("error").checked].join("|");
  }
  function slide() {
    const share = Number(part("slider").value);
    part("right-canvas").style.clipPath = `inset(0 0 0 ${share}%)`;
    part("bar").style.left = `${share}%`;
  }
  function choose() {
    const images = items.filter((item) => item.problem === part("problem").value);
    fill(part("image"), images.map((item) => item.image));
    const { panels } = chosen();
    for (const side of ["left", "right"]) fill(part(side), panels.map(key), panels.map((panel) => panel.label));
    draw();
  }
  fill(part("problem"), [...new Set(items.map((item) => item.problem))]);
  choose();
  part("left").value = chosen().panels.some((p) => key(p) === left) ? left : key(chosen().panels[0]);
  part("right").value = chosen().panels.some((p) => key(p) === right) ? right : key(chosen().panels.at(-1));
  draw();
  slide();
  part("problem").addEventListener("change", choose);
  part("image").addEventListener("change", choose);
  for (const name of ["left", "right", "error"]) part(name).addEventListener("change", draw);
  for (const name of ["low", "high"]) part(name).addEventListener("input", draw);
  part("slider").addEventListener("input", slide);
  const stack = gallery.querySelector(".stack");
  const follow = (event) => {
    if (!(event.buttons & 1)) return;
    const { left: start, width } = stack.getBoundingClientRect();
    part("slider").value = (100 * (event.clientX - start)) / width;
    slide();
  };
  stack.addEventListener("pointerdown", (event) => {
    stack.setPointerCapture(event.pointerId);
    follow(event);
  });
  stack.addEventListener("pointermove", follow);
}

document.querySelectorAll(".gallery").forEach(startGallery);
