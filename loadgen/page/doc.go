// Package page draws runs: one self-contained HTML file, charts as SVG that is made here, and a small script that only
// reads figures out where the mouse is.
//
// It owns the design (page.css, chart.css), the template and the chart builders. Report writes the page of a run;
// Document, Section, Table, Plot, Curves and Band are the pieces that other verbs make pages from.
//
// What it promises:
//
//   - Nothing is fetched: no font, no script, no picture. The page's own content security policy forbids it as well.
//   - Whatever text a run holds (labels, topics, errors of a broker) is text on the page and nothing else.
//   - Charts are honest: units on the axes, log axes marked, no smoothing, a gap where nothing was recorded, and the
//     largest value shown. Where several seconds share a column their histograms are merged, never their percentiles
//     averaged.
//   - The same input gives the same bytes.
//
// All of it is functions over values; a run that is drawn must not change meanwhile.
package page
