// The calibration curve. A model whose scores are true lies on the diagonal; bars below say how many rows are behind
// each point.
import { element, row, say_number } from "./words.js";

export function curve(facts, colours) {
  const { curve: now, reference } = facts;
  const points = (side) => side.predicted.map((said, at) => [said, side.observed[at], at]);
  const axis = { type: "value", min: 0, max: 1, axisLine: { show: false }, axisTick: { show: false }, axisLabel: { color: colours.soft, fontSize: 11, formatter: (value) => `${Math.round(100 * value)} %` }, splitLine: { lineStyle: { color: colours.line } } };
  const named = { nameLocation: "middle", nameTextStyle: { color: colours.soft, fontSize: 11 } };
  const upper = { xAxisIndex: 0, yAxisIndex: 0 };
  return {
    animation: false,
    grid: [{ left: 60, right: 16, top: 10, bottom: 78 }, { left: 60, right: 16, height: 26, bottom: 40 }],
    xAxis: [{ ...axis, gridIndex: 0, axisLabel: { show: false } }, { ...axis, ...named, gridIndex: 1, name: "mean score", nameGap: 24, splitLine: { show: false }, splitNumber: 5 }],
    yAxis: [{ ...axis, ...named, gridIndex: 0, name: "share that came", nameGap: 42 }, { type: "value", gridIndex: 1, axisLabel: { show: false }, axisLine: { show: false }, axisTick: { show: false }, splitLine: { show: false } }],
    tooltip: { trigger: "item", confine: true, transitionDuration: 0, backgroundColor: colours.panel, borderColor: colours.strong, padding: [6, 10], textStyle: { color: colours.ink }, formatter: ({ data }) => curveCard(facts, data) },
    series: [
      { type: "line", ...upper, data: [[0, 0], [1, 1]], symbol: "none", silent: true, lineStyle: { color: colours.ref, type: "dashed", width: 1 } },
      ...(reference ? [{ name: "reference", type: "line", ...upper, data: points(reference), symbol: "none", silent: true, lineStyle: { color: colours.ref, width: 1.4 } }] : []),
      { type: "custom", ...upper, silent: true, data: now.predicted.map((said, at) => [said, now.low[at], now.high[at]]), encode: { x: 0, y: [1, 2] }, renderItem: (_, api) => whisker(api, colours.accent) },
      { name: "now", type: "line", ...upper, data: points(now), symbol: "circle", symbolSize: 6, showSymbol: true, itemStyle: { color: colours.accent }, lineStyle: { color: colours.accent, width: 1.6 } },
      { name: "rows", type: "bar", xAxisIndex: 1, yAxisIndex: 1, barWidth: 10, data: now.predicted.map((said, at) => [said, now.n[at], at]), itemStyle: { color: colours.strong } },
    ],
  };
}

function whisker(api, colour) {
  const [x, low] = api.coord([api.value(0), api.value(1)]);
  const high = api.coord([api.value(0), api.value(2)])[1];
  return { type: "line", shape: { x1: x, y1: low, x2: x, y2: high }, style: { stroke: colour, lineWidth: 1.2, opacity: 0.6 } };
}

function curveCard(facts, data) {
  const at = data[2], now = facts.curve;
  const box = element("div", "", "tip-card");
  const rows = element("dl");
  row(rows, "mean score", say_number(now.predicted[at], "share"));
  row(rows, "came", say_number(now.observed[at], "share"));
  row(rows, "interval", `${say_number(now.low[at], "share")} … ${say_number(now.high[at], "share")}`);
  row(rows, "rows", now.n[at].toLocaleString("en"));
  box.append(rows);
  return box;
}
