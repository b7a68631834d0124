// What axe does not ask of a page. Each returns a list of words; an empty list is a page that passes.
({
  overflow: () => {
    const wide = document.documentElement.scrollWidth;
    return wide > window.innerWidth ? [`${wide} pixels wide in ${window.innerWidth}`] : [];
  },
  smallTargets: () => {
    const found = [];
    for (const one of document.querySelectorAll("a[href],button,input:not([type=hidden]),select,textarea,summary")) {
      const box = one.getBoundingClientRect();
      if (!box.width || box.right < 0 || box.bottom < 0) continue; // not shown
      const inText = one.matches("a") && getComputedStyle(one).display === "inline";
      const label = one.id && document.querySelector(`label[for="${one.id}"]`);
      const height = Math.max(box.height, label && one.matches("[type=radio],[type=checkbox]") ? label.getBoundingClientRect().height : 0);
      if (!inText && (box.width < 24 || height < 24)) found.push(`${one.tagName} ${Math.round(box.width)}x${Math.round(height)}`);
    }
    return found;
  },
  clippedText: () => {
    // WCAG 1.4.12: these distances must not cost any text.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync("*{line-height:1.5!important;letter-spacing:.12em!important;word-spacing:.16em!important}p{margin-bottom:2em!important}");
    document.adoptedStyleSheets = [sheet];
    const found = [];
    for (const one of document.querySelectorAll("main *, header *, footer *")) {
      const style = getComputedStyle(one);
      const hides = style.overflowX === "hidden" || style.overflowY === "hidden" || style.textOverflow === "ellipsis";
      if (hides && !one.closest(".heard") && (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1)) found.push(one.tagName);
    }
    if (document.documentElement.scrollWidth > window.innerWidth + 1) found.push("page");
    document.adoptedStyleSheets = [];
    return found;
  },
  pasteRefused: () => {
    const found = [];
    for (const one of document.querySelectorAll("input:not([type=hidden]),textarea")) {
      if (!one.dispatchEvent(new ClipboardEvent("paste", { bubbles: true, cancelable: true }))) found.push(one.name);
      if (["username", "code", "password"].includes(one.name) && !/one-time-code|username|current-password/.test(one.autocomplete)) found.push(`${one.name}: autocomplete`);
    }
    return found;
  },
  dragging: () => [...document.querySelectorAll("[draggable=true]")].map((one) => one.tagName),
  help: () => {
    const links = [...document.querySelectorAll("header a[href], header button:not([aria-hidden])")];
    const at = links.findIndex((one) => one.getAttribute("href") === "/portal/help");
    const first = links.findIndex((one) => one.closest(".tools"));
    return at === first && at >= 0 ? [] : [`help is link ${at}, the first tool ${first}`];
  },
  heads: () => {
    const found = [];
    if (document.querySelectorAll("h1").length !== 1) found.push(`${document.querySelectorAll("h1").length} h1`);
    if (!/ - schoolbridge$/.test(document.title)) found.push("title");
    if (!document.documentElement.lang) found.push("lang");
    return found;
  },
  errors: () => {
    // WCAG 3.3.1: the summary's links land on fields whose own words are the same.
    const found = [];
    for (const link of document.querySelectorAll(".summary li a")) {
      const field = document.querySelector(link.getAttribute("href"));
      if (!field) { found.push(`no field for ${link.textContent}`); continue; }
      const beside = field.closest(".question")?.querySelector(".error");
      const own = beside?.lastChild.textContent.trim();
      if (own !== link.textContent.trim()) found.push(`${link.textContent} is not ${own}`);
    }
    const summary = document.querySelector(".summary li");
    if (summary && !document.title.startsWith("Error: ")) found.push("title");
    if (document.querySelectorAll(".question .error").length !== document.querySelectorAll(".summary li").length) found.push("count");
    return found;
  },
  obscured: () => {
    // WCAG 2.4.11: of what has the focus at least one of 15 points is to be seen.
    const one = document.activeElement;
    const box = one.getBoundingClientRect();
    let seen = 0;
    for (const x of [0.1, 0.3, 0.5, 0.7, 0.9]) for (const y of [0.2, 0.5, 0.8]) {
      const top = document.elementFromPoint(box.left + box.width * x, box.top + box.height * y);
      if (top && (one === top || one.contains(top) || top.contains(one) && !top.matches("dialog"))) seen += 1;
    }
    return seen ? [] : [`${one.tagName} ${one.textContent.trim().slice(0, 40)}`];
  },
})
