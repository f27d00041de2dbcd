// Package pagetest holds the page against a real browser: Chromium shows it at two widths, light
// and dark, with and without script, while its store changes; axe-core looks for what people with a
// disability could not use. It leaves a picture of each page it saw.
//
// It is a module of its own, so that the product's go.mod stays free of a browser's protocol. It
// holds only tests.
package pagetest
