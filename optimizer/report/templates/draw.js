// Draws every figure of the page from the data beside it, and fits it to the window and to paper.
(function () {
  "use strict";
  var NARROW = 640; // px; a narrower figure has its legend below it
  var PAPER = 660; // px; width of a figure on a sheet of A4 or letter
  var LEGEND_ROW = 21; // px
  var plots = Array.from(document.querySelectorAll(".plot"));
  var isMap = function (plot) { return plot.parentNode.classList.contains("wide"); };
  var isFolded = function (plot) { var details = plot.closest("details"); return details !== null && !details.open; };

  function read(plot) { return JSON.parse(document.getElementById(plot.id + "-data").textContent); }

  function putLegendBelow(figure, width) {
    var layout = figure.layout;
    if (!layout.legend || layout.legend.orientation !== "v" || figure.data.length < 2) { return; }
    var named = figure.data.filter(function (trace) { return trace.showlegend !== false; });
    var headings = named.filter(function (trace) { return trace.legendgrouptitle; });
    Object.assign(layout.legend, { x: 0, xanchor: "left", y: 0, yref: "container", yanchor: "bottom" });
    layout.height = Math.min(layout.height, Math.round(width * 1.1)) + LEGEND_ROW * (named.length + headings.length) + 30;
  }

  function fitPhone(figure, width) {
    // Fingers scroll the page rather than zoom a figure, and labels would cover a small map.
    figure.layout.dragmode = false;
    figure.layout.font.size = 11;
    // A map whose layers are switched beside it has no legend to make room for.
    if (figure.layout.showlegend === false) { figure.layout.height = Math.min(figure.layout.height, Math.round(width * 1.15)); }
    (figure.layout.updatemenus || []).forEach(function (menu) { menu.type = "dropdown"; menu.direction = "down"; });
    figure.data.forEach(function (trace) { if (trace.mode === "markers+text") { trace.mode = "markers"; } });
  }

  function draw(plot) {
    var figure = read(plot);
    var narrow = plot.clientWidth < NARROW;
    if (narrow) {
      fitPhone(figure, plot.clientWidth);
      putLegendBelow(figure, plot.clientWidth);
    }
    plot.style.minHeight = figure.layout.height + "px";
    return Plotly.newPlot(plot, figure.data, figure.layout, {
      responsive: true,
      displaylogo: false,
      displayModeBar: isMap(plot) && !narrow,
      modeBarButtons: [["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"], ["toImage"]],
      plotlyServerURL: "",
      toImageButtonOptions: { filename: plot.id }
    });
  }

  function drawForPaper(plot) {
    var figure = read(plot);
    if (isMap(plot)) {
      // Nobody switches a layer on paper: those that are off are left out.
      figure.data = figure.data.filter(function (trace) { return trace.visible === true; });
      putLegendBelow(figure, PAPER);
      delete figure.layout.updatemenus;
    }
    Object.assign(figure.layout, { width: PAPER, autosize: false });
    plot.style.minHeight = figure.layout.height + "px";
    Plotly.newPlot(plot, figure.data, figure.layout, { staticPlot: true });
  }

  // A folded figure has no width: it is drawn when it is unfolded.
  plots.filter(function (plot) { return !isFolded(plot); }).forEach(draw);
  document.querySelectorAll("details").forEach(function (details) {
    details.addEventListener("toggle", function () {
      plots.filter(function (plot) { return details.contains(plot) && details.open && !plot.data; }).forEach(draw);
    });
  });

  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (details) { details.open = true; });
    plots.forEach(drawForPaper);
  });
  window.addEventListener("afterprint", function () { plots.forEach(draw); });
})();
