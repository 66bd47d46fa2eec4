"use strict";
// The leads' view: one key settles a disagreement, and the next one is there; a question is opened again.
(() => {
  // The history of a listing.
  if (box) {
    let wanted = null;
    document.addEventListener("click", (event) => {
      const button = event.target.closest?.("[data-open]");
      if (!button) return;
      wanted = button.dataset;
      find("#confirm-text").textContent = wanted.ask;
      box.showModal();
    });
    find("#confirm-yes").addEventListener("click", async () => {
      box.close();
      try {
        await post("/lead/reopen", { listing: wanted.listing, judged: wanted.open });
        location.reload();
      } catch (error) { raise(error); }
    });
    return;
  }

  // Disagreements. What is pressed fast waits in a queue, in order.
  const stage = find("#stage"), shelf = find("#ahead"), left = find("#left");
  const later = [];
  let current = null, count = 0, look = null;
  const held = () => [current, ...shelf.children].filter(Boolean).map((each) => each.dataset.showing);
  function show() {
    if (!current && (current = shelf.firstElementChild)) {
      stage.replaceChildren(current);
      current.focus({ preventScroll: true });
    } else if (!current) {
      stage.replaceChildren(find("#nothing-left").content.cloneNode(true));
      clearTimeout(look);
      look = setTimeout(() => { load().catch(raise); }, 15000);
    }
    left.textContent = count ? fill(left.dataset.words, { count }) : "";
  }
  async function load() {
    const said = await fetchToShow("/lead/disputes", { held: [...held(), ...later] });
    const template = document.createElement("template");
    template.innerHTML = said.articles.join("");
    shelf.append(template.content);
    count = said.count;
    if (!current && !shelf.children.length && later.length) {
      later.length = 0;  // all others are settled: those that were left come again
      return load();
    }
    show();
  }
  const leave = () => { current?.remove(); current = null; };
  async function decide(word, answer) {
    const { showing, title } = current.dataset;
    const { state } = await postAnswers("/lead/settle", { showing, ...word });
    statusLine.textContent = state === "stored" ? fill(words.saved, { title, answer }) : words.lead_ended;
    leave();
    await load();
  }
  const actions = {
    async choose(place) {
      const button = stage.querySelectorAll("[data-choose]")[place];
      if (button) await decide({ chosen: Number(button.dataset.choose) }, button.dataset.label);
    },
    find(typed) { if (find("[data-do=find]", current)) search(typed); },
    async category({ category, label }) { await decide({ category }, label); },
    async reopen() {
      const { listing, judged, title } = current.dataset;
      await post("/lead/reopen", { listing, judged });
      statusLine.textContent = fill(words.lead_reopened, { title });
      leave();
      await load();
    },
    async later() {
      if (later.length < 80) later.push(current.dataset.showing);
      leave();
      await load();
    },
    async undo() {
      const undone = await postUndo();
      statusLine.textContent = undone ? words.lead_undone : words.nothing_to_undo;
      if (undone) { leave(); shelf.replaceChildren(); later.length = 0; }
      await load();
    },
  };
  // While the search waits in the queue, what is typed belongs to it.
  const queue = [];
  let isTaking = false;
  async function take(action, value) {
    queue.push({ action, value });
    if (isTaking) return;
    isTaking = true;
    try {
      while (queue.length) {
        const { action, value } = queue.shift();
        if (!current && action !== "undo") continue;
        await actions[action](value);
        alarm.hidden = true;
      }
    } catch (error) {
      queue.length = 0;
      if (!current && shelf.firstElementChild) show();
      raise(error);
    } finally { isTaking = false; }
  }
  const search = categorySearch((category, label) => take("category", { category, label }));
  find("#find").addEventListener("close", () => current?.focus({ preventScroll: true }));
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-choose], [data-do]");
    // The second click of a double click is about the disagreement before, though the next one may be there already.
    if (!button || event.detail > 1) return;
    if (button.dataset.do) take(button.dataset.do, "");
    else take("choose", [...stage.querySelectorAll("[data-choose]")].indexOf(button));
  });
  document.addEventListener("keydown", (event) => {
    if (!isForKeys(event) || !areKeysOn()) return;
    const field = queue.find((each) => each.action === "find");
    if (field && (event.key.length === 1 || event.key === "Enter")) {
      field.value += event.key === "Enter" ? "\n" : event.key;
      event.preventDefault();
      return;
    }
    const digit = /^(?:Digit|Numpad)([12])$/.exec(event.code);
    const name = { o: "reopen", u: "undo", f: "find", "/": "find", arrowright: "later" }[letterOf(event)];
    if (!digit && !name) return;
    event.preventDefault();
    if (digit) take("choose", Number(digit[1]) - 1); else take(name, "");
  });
  addEventListener("pagehide", () => { send("/release", {}).catch(() => {}); });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  load().catch(raise);
})();
