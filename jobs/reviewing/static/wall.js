"use strict";
// A wall of alike cases: a click or the space bar takes one out, one key decides the rest.
(() => {
  const wall = find("#wall"), filters = JSON.parse(wall.dataset.filters);
  const tiles = () => [...wall.querySelectorAll(".tile")];
  const chosen = () => tiles().filter((tile) => tile.getAttribute("aria-pressed") === "true");
  function show() {
    for (const button of document.querySelectorAll("[data-decide]")) button.disabled = chosen().length === 0;
    find("#wall-empty").hidden = tiles().length > 0;
  }
  async function load() {
    const { tiles: html } = await fetchToShow("/tiles", { filters });
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
      const { decision } = box.dataset, batch = random(), decided = chosen();
      const { outcomes } = await postAnswers("/work", {
        // Each showing counts once, so the same cases can be sent again after a lost connection.
        answers: decided.map((tile) => ({ showing: tile.dataset.showing, decision, batch })),
        held: tiles().map((tile) => tile.dataset.showing),
        filters,
      });
      const count = outcomes.filter((each) => each.state === "stored").length, others = outcomes.length - count;
      for (const tile of decided) tile.parentElement.remove();
      show();
      statusLine.textContent = fill(others ? words.wall_saved_some : words.wall_saved, { count, others });
      await load();
    });
  }
  const undo = () => once(async () => {
    statusLine.textContent = (await postUndo()) ? words.wall_undone : words.nothing_to_undo;
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
    if (!isForKeys(event)) return;
    const all = tiles(), columns = getComputedStyle(wall).gridTemplateColumns.split(" ").length;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    const action = areKeysOn() && { a: () => ask("accept"), s: () => ask("reject"), u: undo }[letterOf(event)];
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
