"use strict";
// A wall of alike cases: a click or the space bar takes one out, one key decides the rest.
(() => {
  const find = (selector, inside = document) => inside.querySelector(selector);
  const words = JSON.parse(find("#words").textContent);
  const token = find("meta[name=csrf-token]").content;
  const wall = find("#wall"), statusLine = find("#status"), alarm = find("#alarm"), box = find("#confirm");
  const filters = JSON.parse(wall.dataset.filters);
  const random = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");
  const place = { window: (sessionStorage.window ??= random()), page: random() };
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const tiles = () => [...wall.querySelectorAll(".tile")];
  const chosen = () => tiles().filter((tile) => tile.getAttribute("aria-pressed") === "true");
  const send = (path, body) => fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json", "x-csrf-token": token },
    body: JSON.stringify({ ...place, ...body }),
    keepalive: path === "/release",
  });
  async function post(path, body) {
    const answer = await send(path, body);
    const said = answer.headers.get("content-type")?.includes("json") ? await answer.json() : {};
    if (!answer.ok) throw new Error(said.problem ?? said.detail ?? answer.statusText);
    return said;
  }
  let isBusy = false;
  async function once(work) {
    if (isBusy) return;
    isBusy = true;
    try {
      await work();
      alarm.hidden = true;
    } catch (error) {
      alarm.textContent = fill(words.wall_failed, { problem: error.message });
      alarm.hidden = false;
    } finally { isBusy = false; }
  }
  function show() {
    for (const button of document.querySelectorAll("[data-decide]")) button.disabled = chosen().length === 0;
    find("#wall-empty").hidden = tiles().length > 0;
  }
  async function load() {
    const { tiles: html } = await post("/tiles", { filters });
    const template = document.createElement("template");
    template.innerHTML = html.join("");
    wall.replaceChildren(template.content);
    show();
    find(".tile")?.focus();
  }
  function ask(decision) {
    if (!chosen().length || isBusy) return;
    box.dataset.decision = decision;
    find("#confirm-text").textContent = fill(words[`confirm_${decision}`], { count: chosen().length });
    box.showModal();
  }
  function decide() {
    box.close();
    return once(async () => {
      const { decision } = box.dataset, batch = random();
      const { outcomes } = await post("/work", {
        // Each showing counts once, so the same cases can be sent again after a lost connection.
        answers: chosen().map((tile) => ({ showing: tile.dataset.showing, decision, batch })),
        held: tiles().map((tile) => tile.dataset.showing),
        filters,
      });
      const count = outcomes.filter((each) => each.state === "stored").length, others = outcomes.length - count;
      statusLine.textContent = fill(others ? words.wall_saved_some : words.wall_saved, { count, others });
      await load();
    });
  }
  const undo = () => once(async () => {
    const { undone } = await post("/undo", { undo: random() });
    statusLine.textContent = undone ? words.wall_undone : words.nothing_to_undo;
    await load();
  });
  wall.addEventListener("click", (event) => {
    const tile = event.target.closest(".tile");
    if (!tile) return;
    tile.setAttribute("aria-pressed", tile.getAttribute("aria-pressed") !== "true");
    show();
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-decide], [data-undo]");
    if (button && "decide" in button.dataset) ask(button.dataset.decide);
    else if (button) undo();
  });
  find("#confirm-yes").addEventListener("click", decide);
  document.addEventListener("keydown", (event) => {
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || find("dialog[open]")) return;
    const all = tiles(), columns = getComputedStyle(wall).gridTemplateColumns.split(" ").length;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    const isOn = localStorage.getItem("review-keys-off") === null;
    const action = isOn && { a: () => ask("accept"), s: () => ask("reject"), u: undo }[event.key.toLowerCase()];
    if (step && all.length) {
      event.preventDefault();
      all[Math.min(Math.max(all.indexOf(document.activeElement) + step, 0), all.length - 1)].focus();
    } else if (action) {
      event.preventDefault();
      action();
    }
  });
  addEventListener("pagehide", () => { send("/release", {}).catch(() => {}); });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  once(load);
})();
