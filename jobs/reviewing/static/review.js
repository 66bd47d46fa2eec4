"use strict";
// One queue takes every key press and click, in order. An answer goes to the outbox, which this browser keeps until the
// server has said that it is stored; the next listing is on the screen at once, because it was loaded ahead.
(() => {
  const find = (selector, inside = document) => inside.querySelector(selector);
  const words = JSON.parse(find("#words").textContent);
  const token = find("meta[name=csrf-token]").content;
  const stage = find("#stage"), shelf = find("#ahead"), statusLine = find("#status"), alarm = find("#alarm");
  const random = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");
  const place = { window: (sessionStorage.window ??= random()), page: random() };
  for (const name of ["window", "page"]) find(`#who [name=${name}]`).value = place[name];
  const filters = Object.fromEntries(
    [...new URLSearchParams(location.search)].filter(([name, value]) => value && ["reason", "category", "suggested", "department", "seller", "priority", "language", "search", "drawn"].includes(name)),
  );
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

  // The outbox: one entry of the browser's storage for each answer, in the order in which they were given.
  // A server of another store may come to the same address: its page must not send these.
  const PREFIX = `review-answer:${find("meta[name=store]").content}:`;
  let counter = 0;
  const outbox = {
    keys: () => Object.keys(localStorage).filter((key) => key.startsWith(PREFIX)).sort(),
    add(answer) {
      const key = `${PREFIX}${String(Date.now()).padStart(15, "0")}:${String(counter++).padStart(6, "0")}:${answer.showing}`;
      localStorage.setItem(key, JSON.stringify(answer));
    },
    all: () => outbox.keys().map((key) => JSON.parse(localStorage.getItem(key))),
    // As many as fit into one request, however long their notes are.
    next() {
      let size = 0;
      return outbox.all().filter(({ note }, at) => at === 0 || (at < 100 && (size += 500 + (note?.length ?? 0)) < 60000));
    },
    remove(showing) {
      for (const key of outbox.keys()) if (key.endsWith(`:${showing}`)) localStorage.removeItem(key);
    },
  };

  const post = async (path, body) => {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json", "x-csrf-token": token },
      body: JSON.stringify({ ...place, ...body }),
      signal: AbortSignal.timeout(30000),
    });
    const said = answer.headers.get("content-type")?.includes("json") ? await answer.json() : {};
    if (!answer.ok) throw Object.assign(new Error(said.problem ?? said.detail ?? answer.statusText), { status: answer.status });
    return said;
  };

  // What is on the stage and what is loaded ahead.
  let current = null, whyEmpty = "open";
  const ahead = () => [...shelf.children];
  const held = () => [current, ...ahead()].filter(Boolean).map((each) => each.dataset.showing);
  let wake = [];
  const arrival = () => new Promise((resolve) => wake.push(resolve));
  const toArticle = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    const article = template.content.firstElementChild;
    showKeys(article);
    for (const image of article.querySelectorAll("img")) image.decode?.().catch(() => {});
    return article;
  };
  let isScrolled = false;
  addEventListener("scroll", () => { isScrolled = scrollY > 0; }, { passive: true });
  function putOnStage(article) {
    stage.replaceChildren(article);
    current = article;
    // Both make the browser lay out the page at once, so they wait until the picture is on the screen, if they can.
    if (isScrolled) { scrollTo(0, 0); isScrolled = false; }
    setTimeout(() => { if (current === article && !find("dialog[open]")) article.focus({ preventScroll: true }); });
  }
  function fillStage() {
    if (!current && shelf.firstElementChild) putOnStage(shelf.firstElementChild);
    else if (!current) {
      const template = find({ nothing: "#nothing-left", elsewhere: "#all-elsewhere", none: "#no-export" }[whyEmpty] ?? "#none");
      if (template && !find(".empty h2", stage)) stage.replaceChildren(template.content.cloneNode(true));
    }
    if (current || whyEmpty !== "open") { for (const resolve of wake) resolve(); wake = []; }
  }
  const leaveStage = () => { current?.remove(); current = null; };

  // Sending: one request at a time, tried again until the server has answered.
  let sending = null, retry = null, waitMs = 500, wasOffline = false;
  function send() {
    clearTimeout(retry);
    sending ??= exchange().finally(() => { sending = null; });
    return sending;
  }
  async function exchange() {
    do {
      const answers = outbox.next();
      let said;
      try {
        said = await post("/work", {
          answers: answers.map(({ showing, decision, category, note }) => ({ showing, decision, category, note })),
          held: [...held(), ...outbox.all().slice(answers.length).map((each) => each.showing)].slice(0, 400),
          filters,
        });
      } catch (error) {
        wasOffline = true;
        const values = { problem: error.message, count: outbox.keys().length };
        const mustSignIn = error.status === 401 || error.status === 403;
        raise(fill(mustSignIn ? words.signed_out : error.status ? words.not_stored : words.offline, values));
        if (mustSignIn) {
          const link = document.createElement("a");
          link.href = `/sign-in?${new URLSearchParams({ next: location.pathname + location.search })}`;
          link.textContent = words.sign_in;
          alarm.append(" ", link);
          return false;
        }
        retry = setTimeout(send, (waitMs = Math.min(waitMs * 2, 5000)));
        return false;
      }
      waitMs = 500;
      settle(said.outcomes, answers);
      const known = new Set(held());
      for (const html of said.questions) {
        const article = toArticle(html);
        if (!known.has(article.dataset.showing)) shelf.append(article);
      }
      whyEmpty = held().length ? "open" : said.state;
      fillStage();
      tell();
    } while (outbox.keys().length);
    if (wasOffline) { wasOffline = false; alarm.hidden = true; statusLine.textContent = words.back; }
    document.body.dispatchEvent(new Event("progress"));
    if (!current) retry = setTimeout(send, whyEmpty === "none" ? 2000 : 10000);
    return true;
  }
  let lastSaved = null;
  function settle(outcomes, answers) {
    const given = Object.fromEntries(answers.map((each) => [each.showing, each]));
    for (const outcome of outcomes) {
      outbox.remove(outcome.showing);
      if (outcome.state === "stored") lastSaved = given[outcome.showing];
      else if (outcome.state === "changed" && outcome.question) shelf.prepend(toArticle(outcome.question));
      else if (outcome.state !== "changed") raise(words[outcome.state]);
    }
  }
  // Keys that wait for their listing are not safe either.
  const unsaved = () => outbox.keys().length + queue.length;
  const count = () => { document.documentElement.dataset.unsaved = unsaved(); };
  function tell(text) {
    const waiting = outbox.keys().length;
    if (text) statusLine.textContent = text;
    else if (waiting) statusLine.textContent = fill(words.unsaved, { count: waiting });
    else if (lastSaved) statusLine.textContent = fill(words.saved, { title: lastSaved.title, answer: lastSaved.label });
    statusLine.classList.toggle("unsaved", waiting > 0);
    count();
  }
  function raise(text) {
    alarm.textContent = text;
    alarm.hidden = false;
    tell();
  }

  // What keys and buttons do.
  function answer(decision, category, label) {
    const { showing, title } = current.dataset;
    try {
      outbox.add({ showing, decision, category: category || null, note: current.dataset.note || null, title, label });
    } catch {
      return raise(words.no_storage);
    }
    undoId = null;
    leaveStage();
    whyEmpty = "open";
    if (!wasOffline) alarm.hidden = true;
    fillStage();
    tell();
    // The outbox has it: sending can wait until the next listing is drawn.
    setTimeout(send);
  }
  function press(action) {
    const button = find(`[data-act=${action}][data-decision]`, current);
    const sellers = action === "reject" ? find("[data-sellers]", current) : null;
    if (button) answer(button.dataset.decision, button.dataset.category, button.dataset.label);
    else if (sellers) answer("reject", sellers.dataset.category, sellers.dataset.label);
  }
  // Where the server's answer to an undo is lost, the next one repeats it; an answer given since has an undo of its own.
  let undoId = null;
  async function undo() {
    if (!(await send())) return tell(words.offline_undo);
    for (let attempt = 0; ; attempt++) {
      try {
        const { undone, question } = await post("/undo", { undo: (undoId ??= random()) });
        undoId = null;
        if (question) {
          if (current) shelf.prepend(current);
          putOnStage(toArticle(question));
          tell(fill(words.undone, { title: current.dataset.title }));
        } else tell(undone ? words.undone_gone : words.nothing_to_undo);
        lastSaved = null;
        document.body.dispatchEvent(new Event("progress"));
        return;
      } catch (error) {
        if (attempt === 3) return raise(fill(words[error.status ? "wall_failed" : "no_answer"], { problem: error.message }));
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }
  }
  async function previous() {
    if (!(await send())) return;
    const { question } = await post("/previous", { before: current?.dataset.number ? Number(current.dataset.number) : null }).catch(() => ({}));
    if (!question) return tell(words.nothing_before);
    if (current && !current.dataset.number) shelf.prepend(current);
    putOnStage(toArticle(question));
  }
  const actions = {
    accept: () => press("accept"),
    second: () => press("second"),
    third: () => press("third"),
    reject: () => press("reject"),
    resolve: () => press("resolve"),
    find: (typed) => find("[data-act=find]", current) && search(typed),
    skip: (typed) => openNote("skip", typed),
    note: (typed) => openNote("note", typed),
    undo, previous,
    next() { if (current.dataset.number) { leaveStage(); fillStage(); } },
    zoom() {
      const image = find(".picture img", current);
      if (image) { find("#zoom img").src = image.src; find("#zoom").showModal(); }
    },
    help: () => find("#help").showModal(),
  };
  const WITHOUT_LISTING = new Set(["undo", "previous", "help"]);
  const TYPING = new Set(["find", "skip", "note"]);

  // The queue. While an action that opens a field waits in it, what is typed until Enter belongs to that field; what is
  // pressed then waits until the field is closed.
  const queue = [];
  let handling = false;
  async function handle() {
    if (handling) return;
    handling = true;
    try {
      while (queue.length) {
        const box = find("dialog[open]");
        if (box) {
          await new Promise((resolve) => box.addEventListener("close", resolve, { once: true }));
          continue;
        }
        if (!current && !WITHOUT_LISTING.has(queue[0].action)) {
          if (whyEmpty !== "open") { queue.shift(); continue; }
          await arrival();
          continue;
        }
        const { action, typed, isDecision } = queue.shift();
        const done = isDecision ? isDecision() : actions[action](typed);
        if (done instanceof Promise) await done;
      }
    } finally {
      handling = false;
      count();
    }
  }
  // What a field has decided comes before what was pressed after its Enter.
  function take(action, isDecision) {
    if (isDecision) queue.unshift({ action, typed: "", isDecision }); else queue.push({ action, typed: "" });
    handle();
    count();
  }

  const DEFAULTS = { accept: "a", reject: "s", second: "", third: "", find: "f", resolve: "r", skip: "k", note: "n", undo: "u", previous: "p", next: "", zoom: "z", help: "?" };
  const FIXED = { 1: "accept", 2: "second", 3: "third", "/": "find", arrowleft: "previous", arrowright: "next" };
  const remapped = () => JSON.parse(localStorage.getItem("review-keys") ?? "{}");
  const letters = () => ({ ...DEFAULTS, ...remapped() });
  const keysAreOn = () => localStorage.getItem("review-keys-off") === null;
  // Digits go by their place, so that layouts that need Shift for them work; letters by what is printed on the key, and by
  // the place only where nothing Latin is printed.
  function nameOf(event) {
    const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code);
    if (digit && (event.code.startsWith("Digit") ? event.key !== "?" && event.key !== "/" : /^\d$/.test(event.key))) return digit[1];
    if (event.key.length === 1 && event.key.charCodeAt(0) > 0x24f && /^Key[A-Z]$/.test(event.code)) return event.code[3].toLowerCase();
    return event.key.toLowerCase();
  }
  function actionOf(name) {
    const own = Object.entries(letters()).find(([, letter]) => letter && letter === name);
    return own ? own[0] : FIXED[name];
  }
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.repeat || find("dialog[open]")) return;
    // A field stays focused for a moment after its dialog has closed; a key pressed then is none of its text.
    if (event.target.closest?.("input, textarea, select, [contenteditable]")?.matches(":not(dialog:not([open]) *)")) return;
    const name = nameOf(event);
    if ((event.ctrlKey || event.metaKey) && !event.altKey && name === "z") { event.preventDefault(); take("undo"); return; }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const field = queue.find((each) => TYPING.has(each.action) && !each.isDecision && !each.typed.endsWith("\n"));
    if (field && (event.key.length === 1 || event.key === "Enter")) {
      field.typed += event.key === "Enter" ? "\n" : event.key;
      event.preventDefault();
      return;
    }
    const action = keysAreOn() || name === "?" ? actionOf(name) : undefined;
    if (!action) return;
    event.preventDefault();
    take(action);
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-act]");
    // The second click of a double click is about the listing before, though the next one is there already.
    if (button && !(event.detail > 1 && button.dataset.decision)) take(button.dataset.act);
    if (event.target.tagName === "DIALOG") event.target.close();
  });

  const search = categorySearch((category, label) => take("find", () => answer("set_category", category, label)));

  // Notes.
  const noteBox = find("#note"), noteText = find("#note-text"), noteSave = find("#note-save");
  function openNote(purpose, typed = "") {
    noteBox.dataset.purpose = purpose;
    find("#note-heading").textContent = words[`${purpose}_heading`];
    noteSave.textContent = noteSave.dataset[purpose];
    const [wanted, enter] = typed.split("\n");
    noteText.value = wanted || current.dataset.note || "";
    noteBox.showModal();
    noteText.focus();
    if (enter !== undefined) saveNote();
  }
  function saveNote() {
    noteBox.close();
    // Half a character, as of a cut emoji, is none that a server could read.
    const note = noteText.value.trim().slice(0, 2000).replace(/\p{Surrogate}/gu, "\ufffd");
    current.dataset.note = note;
    const shown = find(".own-note", current);
    shown.textContent = note;
    shown.hidden = !note;
    if (noteBox.dataset.purpose === "skip") take("skip", () => answer("skip", null, words.answers.skip));
  }
  noteText.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); saveNote(); }
  });
  noteSave.addEventListener("click", saveNote);
  for (const box of document.querySelectorAll("dialog")) box.addEventListener("close", () => current?.focus({ preventScroll: true }));

  // Keys that the reviewer changes.
  function showKeys(inside) {
    const own = letters();
    for (const each of inside.querySelectorAll("[data-key-of]")) each.textContent = own[each.dataset.keyOf].toUpperCase();
    document.body.classList.toggle("keys-off", !keysAreOn());
  }
  function showMap() {
    const own = letters();
    for (const input of document.querySelectorAll("[data-remap]")) input.value = own[input.dataset.remap];
    find("#keys-on").checked = keysAreOn();
    showKeys(document);
  }
  find("#help").addEventListener("input", (event) => {
    const { remap } = event.target.dataset;
    if (remap) {
      const letter = event.target.value.toLowerCase(), owner = actionOf(letter);
      const isTaken = letter && owner && owner !== remap;
      find("#help-problem").textContent = isTaken ? fill(words.key_taken, { key: letter.toUpperCase() }) : "";
      if (!isTaken) localStorage.setItem("review-keys", JSON.stringify({ ...remapped(), [remap]: letter }));
    } else if (event.target.id === "keys-on") {
      if (event.target.checked) localStorage.removeItem("review-keys-off"); else localStorage.setItem("review-keys-off", "1");
    }
    if (!find("#help-problem").textContent) showMap();
  });
  find("#keys-reset").addEventListener("click", () => { localStorage.removeItem("review-keys"); find("#help-problem").textContent = ""; showMap(); });

  find("[data-sign-out]")?.addEventListener("click", async () => {
    if (!(await send())) return;
    await post("/sign-out", {}).catch(() => {});
    location.assign("/");
  });
  addEventListener("online", send);
  addEventListener("beforeunload", (event) => { if (unsaved()) event.preventDefault(); });
  addEventListener("pagehide", () => {
    fetch("/release", { method: "POST", keepalive: true, headers: { "content-type": "application/json", "x-csrf-token": token }, body: JSON.stringify(place) }).catch(() => {});
  });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  showMap();
  tell();
  send();
})();
