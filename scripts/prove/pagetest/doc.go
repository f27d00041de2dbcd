// Package pagetest holds the page, and the file of a report, against a real browser: Chromium shows
// them at two widths, light and dark, with and without script, while the store of the page changes;
// axe-core looks for what people with a disability could not use. It leaves a picture of each page
// it saw.
//
// It is a module of its own, so that the product's go.mod stays free of a browser's protocol. It
// holds only tests.
package pagetest
