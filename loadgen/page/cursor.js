// Reads figures out where the mouse is. Everything else on the page is there without it.
(() => {
  const figures = [...document.querySelectorAll("figure[data-group]")].flatMap((el) => {
    const data = el.querySelector("script");
    if (!data) return [];
    return [{ group: el.dataset.group, svg: el.querySelector("svg"), line: el.querySelector(".cursor"),
      out: el.querySelector(".readout"), ...JSON.parse(data.textContent) }];
  });
  const hint = "Point at the chart, or use ← and → on it, to read its figures.";
  const first = (f) => figures.find((other) => other.group === f.group) === f;
  const show = (group, i) => {
    for (const f of figures) {
      if (f.group !== group) continue;
      const inside = i >= 0 && i < f.at.length;
      f.line.setAttribute("visibility", inside ? "visible" : "hidden");
      f.out.textContent = inside ? f.text[i] : first(f) ? hint : "\u00a0";
      if (inside) {
        f.line.setAttribute("x1", f.at[i]);
        f.line.setAttribute("x2", f.at[i]);
      }
    }
  };
  for (const f of figures) {
    let now = -1;
    const nearest = (event) => {
      const box = f.svg.getBoundingClientRect();
      const x = (event.clientX - box.left) / box.width * f.svg.viewBox.baseVal.width;
      let best = 0;
      f.at.forEach((at, i) => { if (Math.abs(at - x) < Math.abs(f.at[best] - x)) best = i; });
      return best;
    };
    f.svg.addEventListener("pointermove", (event) => show(f.group, now = nearest(event)));
    f.svg.addEventListener("pointerleave", () => show(f.group, now = -1));
    f.svg.setAttribute("tabindex", "0");
    f.svg.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      event.preventDefault();
      show(f.group, now = Math.min(Math.max(now + step, 0), f.at.length - 1));
    });
    show(f.group, -1);
  }
})();
