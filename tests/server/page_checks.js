// What is asked of every page in the browser tests; each answers with a list of what is wrong.
const pageChecks = {
  // Text whose contrast with what is behind it is under 4.5.
  contrast() {
    const rgba = (text) => {
      const found = (text.match(/[\d.]+/g) ?? []).map(Number);
      return text.startsWith('color(srgb') ? [...found.slice(0, 3).map((one) => one * 255), found[3] ?? 1] : [...found.slice(0, 3), found[3] ?? 1];
    };
    const over = (top, under) => top.slice(0, 3).map((one, at) => one * top[3] + under[at] * (1 - top[3]));
    const light = (colour) => colour.map((one) => one / 255).map((one) => one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
      .reduce((sum, one, at) => sum + one * [0.2126, 0.7152, 0.0722][at], 0);
    const behind = (element) => {
      const layers = [];
      for (let at = element; at; at = at.parentElement) layers.unshift(rgba(getComputedStyle(at).backgroundColor));
      return layers.reduce((under, top) => over(top, under), [255, 255, 255]);
    };
    const poor = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      if (!walker.currentNode.textContent.trim() || element.closest('script, .hidden, .skip, option, noscript, [hidden]')) continue;
      if (!element.getClientRects().length) continue;
      const style = getComputedStyle(element);
      const under = behind(element);
      const [a, b] = [light(over(rgba(style.color), under)), light(under)];
      const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      if (ratio < 4.5) poor.push(`${ratio.toFixed(2)} ${element.tagName}.${element.className}: ${walker.currentNode.textContent.trim().slice(0, 40)}`);
    }
    return poor;
  },

  // Things to use or look at that have no name for a screen reader.
  nameless() {
    const things = "a, button, input:not([type=hidden]), select, [role=img], figure, dialog, table";
    return [...document.querySelectorAll(things)]
      .filter((element) => {
        if (!element.getClientRects().length || element.closest(".hidden")) return false;
        const labels = element.labels ? [...element.labels].map((label) => label.textContent).join("") : "";
        const told = element.getAttribute("aria-label") || element.getAttribute("aria-labelledby") || labels;
        return !(told || element.textContent || element.title).trim();
      })
      .map((element) => element.outerHTML.slice(0, 120));
  },
};
