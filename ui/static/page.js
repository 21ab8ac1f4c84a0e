// The browser's side of the page: one delegated listener for everything that can be clicked.
// Runs once, when the question form is there; `element`, `trigger` and so on come from Gradio.
// Nothing here makes markup of text: it moves nodes that the server wrote, or sets textContent.

const EVENTS = {
  ready: 'dl_ready', conversation: 'dl_conversation', ask: 'dl_ask', stop: 'dl_stop',
  open: 'dl_open', judge: 'dl_judge', articles: 'dl_articles', add: 'dl_add',
  remove: 'dl_remove', refresh: 'dl_refresh',
};
const MAX_FILES = 20;
const byId = (id) => document.getElementById(id);
const part = (name) => byId(`dl-${name}`);
const send = (name, data = {}) => trigger(EVENTS[name], data);

const state = { only: false, paths: new Set(), replace: null, opener: null, wanted: '' };

// ---- which conversation is shown -----------------------------------------------------------

function shownConversation() {
  const root = part('thread')?.querySelector('[data-conversation]');
  return root ? root.dataset.conversation : null;
}

function rememberConversation() {
  const shown = shownConversation();
  if (shown === null) return;
  const url = new URL(window.location.href);
  if ((url.searchParams.get('c') ?? '') === shown) return;
  if (shown) url.searchParams.set('c', shown); else url.searchParams.delete('c');
  window.history.replaceState(null, '', url);
}

// Who writes is chosen per question and kept per conversation; a new one goes on with the choice.
let writerOf = null;
function recallWriter() {
  const shown = shownConversation();
  if (shown === null || shown === writerOf) return;
  writerOf = shown;
  const writer = part('thread').querySelector('[data-writer]')?.dataset.writer;
  for (const box of document.querySelectorAll('input[name=dl-writer]')) {
    if (writer) box.checked = box.value === writer;
  }
}

// ---- which articles are asked --------------------------------------------------------------

const dates = () => ({
  from: byId('dl-from')?.value ?? '', to: byId('dl-to')?.value ?? '',
  as_of: byId('dl-as-of')?.value ?? '',
});

function ticked(path) { return state.paths.has(path) === state.only; }

function tick() {
  for (const box of part('articles').querySelectorAll('input[data-path]')) {
    box.checked = ticked(box.dataset.path);
  }
  const total = Number(part('articles').querySelector('[data-articles]')?.dataset.articles ?? 0);
  const chosen = state.only ? state.paths.size : total - state.paths.size;
  const { from, to, as_of: asOf } = dates();
  const told = [];
  if (chosen !== total) told.push(`Asking ${chosen} of ${total} articles`);
  if (from) told.push(`published from ${from}`);
  if (to) told.push(`published until ${to}`);
  if (asOf) told.push(`as of ${asOf}`);
  const scope = byId('dl-scope');
  scope.textContent = told.join(', ');
  scope.hidden = told.length === 0;
}

// ---- asking --------------------------------------------------------------------------------

const running = () => document.body.classList.contains('dl-is-running');

function setRunning(on) {
  document.body.classList.toggle('dl-is-running', on);
}

function ask(question, replace = null, asWritten = false) {
  if (!question.trim() || running()) return;
  setRunning(true);
  const box = byId('dl-question');
  box.value = '';
  fit(box);
  state.replace = null;
  state.asked = question;
  send('ask', {
    question, replace, conversation: shownConversation() ?? '', as_written: asWritten,
    writer: document.querySelector('input[name=dl-writer]:checked')?.value ?? '',
    only: state.only, paths: [...state.paths], ...dates(),
  });
}

function fit(box) {
  box.style.height = 'auto';
  box.style.height = `${Math.min(box.scrollHeight + 2, 200)}px`;
}

// ---- adding --------------------------------------------------------------------------------

function readAsBase64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).split(',', 2)[1] ?? '');
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

async function addFiles(files) {
  const form = document.querySelector('.dl-add');
  if (!form) return;
  const maxBytes = Number(form.dataset.maxMb) * 1e6;
  // One event for each group that fits into a request; the server checks every file again.
  let group = [];
  let bytes = 0;
  const flush = () => {
    if (group.length) send('add', { files: group, wanted: state.wanted });
    group = [];
    bytes = 0;
  };
  for (const file of [...files].slice(0, MAX_FILES)) {
    if (file.size > maxBytes) {
      flush();
      send('add', { files: [{ name: file.name, data: '', too_large: true }] });
      continue;
    }
    if (bytes + file.size > maxBytes) flush();
    group.push({ name: file.name, data: await readAsBase64(file) });
    bytes += file.size;
  }
  flush();
}

// ---- the hover card ------------------------------------------------------------------------

const float = document.createElement('div');
float.className = 'dl-float';
float.hidden = true;
document.body.append(float);
let leaving = 0;

function showCard(mark) {
  const card = byId(mark.getAttribute('aria-describedby') ?? '');
  if (!card) return;
  clearTimeout(leaving);
  float.replaceChildren(...[...card.childNodes].map((node) => node.cloneNode(true)));
  float.hidden = false;
  const at = mark.getBoundingClientRect();
  const wide = float.offsetWidth;
  const left = Math.max(8, Math.min(at.left - 20, window.innerWidth - wide - 8));
  const above = at.top - float.offsetHeight - 8;
  float.style.left = `${left}px`;
  float.style.top = `${above > 8 ? above : Math.min(at.bottom + 8, window.innerHeight - 60)}px`;
}

function hideCard() { clearTimeout(leaving); float.hidden = true; }

document.addEventListener('pointerover', (event) => {
  const mark = event.target.closest?.('.dl-cite');
  if (mark && event.pointerType !== 'touch') showCard(mark);
  else if (event.target.closest?.('.dl-float')) clearTimeout(leaving);
  else if (!float.hidden) { clearTimeout(leaving); leaving = setTimeout(hideCard, 180); }
});
document.addEventListener('focusin', (event) => {
  if (event.target.matches?.('.dl-cite:focus-visible')) showCard(event.target);
  else if (!float.hidden) hideCard();
});
document.addEventListener('scroll', (event) => {
  if (!float.contains(event.target)) hideCard();
}, true);

// ---- evidence ------------------------------------------------------------------------------

function openEvidence(button) {
  hideCard();
  state.opener = button.closest('#dl-thread') ? button : state.opener;
  state.byKey = button.matches(':focus-visible');
  send('open', {
    turn: button.dataset.turn, number: button.dataset.number, passage: button.dataset.passage,
  });
  document.body.classList.add('dl-show-evidence');
}

function closeEvidence() {
  document.body.classList.remove('dl-show-evidence');
  state.opener?.focus();
}

function showMark() {
  const shown = part('evidence').querySelector('.dl-evidence');
  const scroller = part('evidence').querySelector('.dl-text');
  const mark = scroller?.querySelector('mark.dl-active');
  for (const cite of part('thread').querySelectorAll('.dl-cite')) {
    const open = shown && cite.dataset.turn === shown.dataset.turn
      && cite.dataset.number === shown.dataset.number;
    if (open) cite.setAttribute('aria-current', 'true'); else cite.removeAttribute('aria-current');
  }
  if (!mark) return;
  const offset = mark.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
  scroller.scrollTop += offset - Math.min(scroller.clientHeight / 3, 160);
  if (state.byKey || window.innerWidth < 1100) {
    part('evidence').querySelector('h2')?.focus({ preventScroll: true });
  }
  state.byKey = false;
}

// ---- copying -------------------------------------------------------------------------------

async function copy(button, from) {
  const text = button.closest('.dl-turn').querySelector(from).textContent;
  const was = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = 'Copied';
  } catch {
    button.textContent = 'Not allowed by the browser';
  }
  setTimeout(() => { button.textContent = was; }, 1600);
}

// ---- themes --------------------------------------------------------------------------------

function setTheme(dark) {
  document.body.classList.toggle('dark', dark);
  document.documentElement.style.colorScheme = dark ? 'dark' : 'light';
  const button = document.querySelector('[data-act="theme"]');
  if (button) button.textContent = dark ? 'Light' : 'Dark';
}

const asked = new URL(window.location.href).searchParams.get('__theme');
let kept = null;
try { kept = window.localStorage.getItem('dateline-theme'); } catch { /* storage is off */ }
setTheme((asked ?? kept ?? '') === 'dark'
  || (!asked && !kept && window.matchMedia('(prefers-color-scheme: dark)').matches));

// ---- the one listener ----------------------------------------------------------------------

function drawer(open) {
  document.body.classList.toggle('dl-show-left', open);
  document.querySelector('[data-act="toggle-left"]')?.setAttribute('aria-expanded', String(open));
}

const ACTIONS = {
  open: openEvidence,
  'close-evidence': closeEvidence,
  stop: () => send('stop', { conversation: shownConversation() ?? '' }),
  retry: (button) => ask(
    button.dataset.question, button.dataset.turn, button.dataset.asWritten === 'yes'),
  suggest: (button) => ask(button.dataset.question),
  edit: (button) => {
    const box = byId('dl-question');
    box.value = button.dataset.question;
    state.replace = button.dataset.turn;
    fit(box);
    box.focus();
  },
  copy: (button) => copy(button, '.dl-copy'),
  'copy-markdown': (button) => copy(button, '.dl-copy-markdown'),
  like: (button) => send('judge', { turn: button.dataset.turn, liked: true }),
  dislike: (button) => unfold(button),
  'change-search': (button) => unfold(button),
  'new-conversation': () => {
    state.replace = null;
    send('conversation', { act: 'new' });
    drawer(false);
    byId('dl-question').focus();
  },
  conversation: (button) => {
    state.replace = null;
    send('conversation', { act: 'select', conversation: button.dataset.conversation });
    drawer(false);
  },
  'delete-conversation': (button) => confirmed(button, 'Really delete?', () => {
    send('conversation', {
      act: 'delete', conversation: button.dataset.conversation, current: shownConversation() ?? '',
    });
  }),
  remove: (button) => confirmed(button, 'Really remove?', () => {
    // Not `path`: Gradio takes an object with a path for a file of its own.
    send('remove', { article: button.dataset.path, wanted: state.wanted });
  }),
  refresh: () => send('refresh', { wanted: state.wanted }),
  reopen: () => send('ready', { reopen: true, conversation: '' }),
  'tick-all': () => { state.only = false; state.paths.clear(); tick(); },
  'tick-none': () => { state.only = true; state.paths.clear(); tick(); },
  'clear-dates': () => {
    for (const id of ['dl-from', 'dl-to', 'dl-as-of']) byId(id).value = '';
    tick();
  },
  'toggle-left': () => drawer(!document.body.classList.contains('dl-show-left')),
  theme: () => {
    const dark = !document.body.classList.contains('dark');
    setTheme(dark);
    try { window.localStorage.setItem('dateline-theme', dark ? 'dark' : 'light'); } catch { /* off */ }
  },
};

function unfold(button) {
  const form = byId(button.getAttribute('aria-controls'));
  form.hidden = !form.hidden;
  button.setAttribute('aria-expanded', String(!form.hidden));
  if (form.hidden) return;
  const field = form.querySelector('input, textarea');
  if (field.matches('textarea')) fit(field);
  field.focus();
}

function confirmed(button, question, act) {
  if (button.dataset.sure === 'yes') { act(); return; }
  const was = button.textContent;
  const name = button.getAttribute('aria-label');
  button.dataset.sure = 'yes';
  button.textContent = question;
  if (name) button.setAttribute('aria-label', `${question} ${name}`);
  setTimeout(() => {
    delete button.dataset.sure;
    button.textContent = was;
    if (name) button.setAttribute('aria-label', name);
  }, 4000);
}

document.addEventListener('click', (event) => {
  const button = event.target.closest?.('[data-act]');
  if (button && Object.hasOwn(ACTIONS, button.dataset.act)) ACTIONS[button.dataset.act](button);
});

const FORMS = {
  ask: () => ask(byId('dl-question').value, state.replace),
  rename: (form) => send('conversation', {
    act: 'rename', conversation: form.dataset.conversation, name: form.elements.name.value,
    current: shownConversation() ?? '',
  }),
  feedback: (form) => send('judge', {
    turn: form.dataset.turn, liked: form.dataset.liked === 'yes',
    comment: form.elements.comment.value,
    reason: form.querySelector('input[type=radio]:checked')?.value ?? '',  // none with praise
  }),
  searched: (form) => ask(form.elements.question.value, form.dataset.turn, true),
  paste: (form) => {
    send('add', {
      title: form.elements.title.value, text: form.elements.text.value, wanted: state.wanted,
    });
    form.reset();
  },
};

document.addEventListener('submit', (event) => {
  const name = event.target.dataset.form;
  if (!name || !Object.hasOwn(FORMS, name)) return;
  event.preventDefault();
  FORMS[name](event.target);
});

let searching = 0;
document.addEventListener('input', (event) => {
  if (event.target.matches?.('#dl-question, .dl-search textarea')) fit(event.target);
  if (event.target.id === 'dl-wanted') {
    state.wanted = event.target.value;
    clearTimeout(searching);
    searching = setTimeout(() => send('articles', { wanted: state.wanted }), 200);
  }
});

document.addEventListener('change', (event) => {
  const box = event.target;
  if (box.matches?.('input[data-path]')) {
    if (box.checked === state.only) state.paths.add(box.dataset.path);
    else state.paths.delete(box.dataset.path);
    tick();
  } else if (box.id === 'dl-files') {
    addFiles(box.files);
    box.value = '';
  } else if (box.matches?.('.dl-dates input')) tick();
});

document.addEventListener('keydown', (event) => {
  const typing = event.target.matches?.('input, textarea, select');
  if (event.target.id === 'dl-question' && event.key === 'Enter' && !event.shiftKey
      && !event.isComposing) {
    event.preventDefault();
    ask(event.target.value, state.replace);
  } else if (event.target.closest?.('.dl-search') && event.key === 'Enter' && !event.shiftKey
      && !event.isComposing && event.target.name === 'question') {
    event.preventDefault();
    event.target.form.requestSubmit();
  } else if (event.key === 'Escape') {
    if (!float.hidden) hideCard();
    else if (document.body.classList.contains('dl-show-left')) drawer(false);
    else if (document.body.classList.contains('dl-show-evidence')) closeEvidence();
  } else if (!typing && !event.ctrlKey && !event.metaKey && !event.altKey
      && (event.key === '[' || event.key === ']')) {
    part('evidence').querySelector(`[aria-keyshortcuts="${event.key}"]`)?.click();
  } else if (!typing && event.key === '/') {
    event.preventDefault();
    byId('dl-question').focus();
  }
});

for (const name of ['dragover', 'drop']) {
  document.addEventListener(name, (event) => {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    document.body.classList.toggle('dl-dropping', name === 'dragover');
    if (name === 'drop') addFiles(event.dataTransfer.files);
  });
}
document.addEventListener('dragleave', (event) => {
  if (!event.relatedTarget) document.body.classList.remove('dl-dropping');
});

// ---- what the server has written -----------------------------------------------------------

const watched = (name, react) => {
  const target = part(name);
  if (!target) return;
  new MutationObserver(react).observe(target, {
    childList: true, subtree: true, characterData: true, attributes: true,
    attributeFilter: ['data-conversation', 'data-number', 'data-turn', 'data-path'],
  });
};

let turns = 0;
function afterThread() {
  afterLive();
  rememberConversation();
  recallWriter();
  document.body.classList.toggle(
    'dl-closed', part('thread').querySelector('[data-closed]') !== null);
  const shown = part('thread').querySelectorAll('.dl-turn');
  if (shown.length > turns) {
    shown[shown.length - 1].scrollIntoView({ block: 'start' });
    // For those who hear the page: the answer itself is too long to be read out unasked.
    const short = shown[shown.length - 1].querySelector('.dl-short, .dl-lead .dl-statement bdi');
    byId('dl-said').textContent = `Answered. ${short?.textContent ?? ''}`;
  }
  turns = shown.length;
}

let live = false;
function afterLive() {
  const now = part('live').querySelector('[data-running]');
  setRunning(now !== null);
  if (now && !live) now.scrollIntoView({ block: 'start' });
  live = now !== null;
}

function afterNotice() {
  // A refused question comes back into its box, so that it is not typed again.
  if (part('notice').querySelector('.dl-error')) {
    if (!live) setRunning(false);
    const box = byId('dl-question');
    if (state.asked && !live && !box.value) { box.value = state.asked; fit(box); }
    state.asked = '';
  }
}

function begin() {
  if (!['thread', 'live', 'notice', 'articles', 'evidence', 'conversations'].every(part)) {
    requestAnimationFrame(begin);
    return;
  }
  watched('thread', afterThread);
  watched('live', afterLive);
  watched('notice', afterNotice);
  watched('articles', tick);
  watched('evidence', showMark);
  setTheme(document.body.classList.contains('dark'));
  send('ready', { conversation: new URL(window.location.href).searchParams.get('c') ?? '' });
}
begin();
