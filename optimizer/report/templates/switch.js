// Switches the layers of a map, and opens the card of a site chosen on the map or in the list.
(function () {
  "use strict";
  var SITES = "sites", RING = "card"; // traces, by their meta

  function element(tag, text, name) {
    var made = document.createElement(tag);
    if (text !== undefined) { made.textContent = text; }
    if (name) { made.className = name; }
    return made;
  }

  function find(plot, meta) { return plot.data.findIndex(function (trace) { return trace.meta === meta; }); }

  function read(id) { return JSON.parse(document.getElementById(id).textContent); }

  document.querySelectorAll(".switched").forEach(function (block) {
    var plot = document.getElementById(block.dataset.plot);
    var cards = read(plot.id.replace("figure-", "cards-") + "-data");
    var figure = read(plot.id + "-data");
    var body = block.querySelector(".card-body");
    var list = block.querySelector("select");
    var rowOf = new Map(cards.sites.map(function (row) { return [row[0], row]; }));
    var sites = find(figure, SITES);
    var place = new Map();
    (sites < 0 ? [] : figure.data[sites].customdata).forEach(function (row, i) { place.set(i, row[0]); });

    function numbers(input) { return input.dataset.traces.split(",").map(Number); }

    function applySwitches() {
      block.querySelectorAll(".switches input").forEach(function (input) {
        Plotly.restyle(plot, { visible: input.checked }, numbers(input));
      });
    }

    function ring(name) {
      var point = -1;
      place.forEach(function (held, i) { if (unescaped(held) === name) { point = i; } });
      if (sites < 0 || point < 0) { return; }
      var drawn = plot.data[find(plot, SITES)];
      Plotly.restyle(plot, { x: [[drawn.x[point]]], y: [[drawn.y[point]]] }, [find(plot, RING)]);
    }

    // Names in a figure are escaped for its labels.
    function unescaped(text) { return text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&"); }

    function show(name) {
      body.replaceChildren();
      list.value = name;
      var row = rowOf.get(name);
      if (!row) { return; }
      body.append(element("h3", name));
      var group = null, rows = null;
      cards.attributes.forEach(function (attribute, i) {
        if (attribute[0] !== group) {
          group = attribute[0];
          body.append(element("h4", group));
          rows = element("dl");
          body.append(rows);
        }
        var pair = element("div"), value = element("dd", row[i + 1]);
        if (attribute[2] && row[i + 1] !== "–") { value.append(element("span", " " + attribute[2], "unit")); }
        var label = element("dt", attribute[1]);
        label.append(element("span", attribute[3], "source"));
        pair.append(label, value);
        rows.append(pair);
      });
      ring(name);
    }

    cards.sites.forEach(function (row) { list.append(element("option", row[0])); });
    list.querySelectorAll("option").forEach(function (option, i) { if (i) { option.value = option.textContent; } });
    list.addEventListener("change", function () { show(list.value); });
    block.querySelectorAll(".switches input").forEach(function (input) {
      input.addEventListener("change", function () { Plotly.restyle(plot, { visible: input.checked }, numbers(input)); });
    });
    plot.on("plotly_click", function (event) {
      var point = event.points.find(function (p) { return p.data.meta === SITES; });
      if (point) { show(unescaped(point.customdata[0])); }
    });
    window.addEventListener("afterprint", applySwitches);
    if (cards.sites.length) { show(cards.sites[0][0]); }
  });
})();
