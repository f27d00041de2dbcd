package mediawiki_test

import (
	"fmt"

	"shoal/internal/upstream/mediawiki"
)

// Two spellings that every MediaWiki takes for one page are one item.
func ExampleTitle() {
	for _, title := range []string{"wikipedia:Articles_for  deletion/Foo", "Wikipedia:Articles for deletion/Foo"} {
		item, err := mediawiki.Title("https://en.wikipedia.org/w/api.php", title)
		fmt.Println(item.URL, err)
	}
	// Output:
	// https://en.wikipedia.org/w/api.php?title=Wikipedia%3AArticles_for_deletion%2FFoo <nil>
	// https://en.wikipedia.org/w/api.php?title=Wikipedia%3AArticles_for_deletion%2FFoo <nil>
}

// A prefix is written as a person types it.
func ExampleParseListing() {
	listing, err := mediawiki.ParseListing("mediawiki:?prefix=Articles for deletion/&namespace=4")
	fmt.Printf("%+v %v\n", listing, err)
	// Output:
	// {Namespace:4 Prefix:Articles for deletion/} <nil>
}
