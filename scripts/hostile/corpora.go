package main

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

const gigabyte = 1200 << 20 // a little more

// corpora are hostile lists of what is to be harvested. They are made while they are read, and
// never stored.
func corpora() []attack {
	const table = "CREATE TABLE `page` (\n  `page_id` int(8),\n  `page_namespace` int(11),\n  `page_title` varbinary(255),\n  `page_is_redirect` tinyint(1),\n  `page_len` int(8)\n) ENGINE=InnoDB;\n"
	dump := func(name, head, long, tail string, a attack) attack {
		a.name = "dump: " + name
		a.prepare = func(c *scene) ([]string, error) {
			return c.dump(func(w io.Writer) {
				_, _ = io.WriteString(w, head) // the client may be gone, here and below
				fill(w, long)
				_, _ = io.WriteString(w, tail+rows()+";\n-- Dump completed\n")
			})
		}
		return a
	}
	lands, landsToo := attack{}, attack{landed: neighbours + 1} // a page is asked for by its id, whatever the title
	damaged := attack{landed: noneLands, exits: []int{6}, within: 2 * time.Minute, says: "more than 64 KiB"}
	return []attack{
		dump("a line of CREATE TABLE of 1.2 GB", "CREATE TABLE (", "xxxxxxxx", ");\n"+table, damaged),
		dump("a column's name of 1.2 GB", "CREATE TABLE `page` (\n  `", "xxxxxxxx", "` int);\n"+table, damaged),
		dump("columns of 1.2 GB", "CREATE TABLE `page` (\n", "  `a` int,\n", ");\n"+table, attack{landed: noneLands, exits: []int{6}, says: "4,096 columns"}),
		dump("a comment of 1.2 GB", table+"-- ", "xxxxxxxx", "\n", lands),
		dump("a statement of 1.2 GB", table+"INSERT INTO `other` VALUES ('", "xxxxxxxx", "');\n", lands),
		dump("a title of 1.2 GB", table+"INSERT INTO `page` VALUES (99,0,'", "xxxxxxxx", "',0,1);\n", landsToo),
		{name: "corpus: a line of 1.2 GB", prepare: func(c *scene) ([]string, error) { return c.longLine("x") }},
		{name: "corpus: empty lines of 1.2 GB", prepare: func(c *scene) ([]string, error) { return c.longLine("\n") }},
	}
}

// fill writes a text again and again, as much as a gigabyte.
func fill(w io.Writer, text string) {
	block := strings.Repeat(text, (1<<20)/len(text))
	for range gigabyte / len(block) {
		if _, err := io.WriteString(w, block); err != nil {
			return
		}
	}
}

func rows() string {
	var rows strings.Builder
	_, _ = rows.WriteString("INSERT INTO `page` VALUES ")
	for i := range neighbours {
		if i > 0 {
			_ = rows.WriteByte(',')
		}
		fmt.Fprintf(&rows, "(%d,0,'Ok_%d',0,22)", i+1, i+1)
	}
	return rows.String()
}

// gzipped serves what is made while it is read.
func gzipped(w http.ResponseWriter, fill func(w io.Writer)) {
	z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // the level is one
	fill(z)
	_ = z.Close() // the client may be gone
}

// dump starts a wiki and a server of its page table.
func (c *scene) dump(write func(w io.Writer)) ([]string, error) {
	c.neighbour = "%pageid=%"
	base, err := c.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".gz") {
			gzipped(w, write)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		var titles []string
		for id := range strings.SplitSeq(r.FormValue("pageids"), "|") {
			titles = append(titles, "Ok "+id)
		}
		r.Form.Set("titles", strings.Join(titles, "|"))
		wikiPage("An innocent neighbour.")(w, r)
	}), false)
	return []string{"--api", base + "/w/api.php", "--corpus", base + "/dump/x-page.sql.gz"}, err
}

// longLine starts a server of neighbours and of a corpus with something long before its last line.
func (c *scene) longLine(text string) ([]string, error) {
	base, err := c.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, ".gz") {
			neighbour(w, r)
			return
		}
		gzipped(w, func(w io.Writer) {
			for i := range neighbours - 1 {
				_, _ = fmt.Fprintf(w, "http://%s/ok/%d\n", r.Host, i)
			}
			fill(w, text)
			_, _ = fmt.Fprintf(w, "\nhttp://%s/ok/%d\n", r.Host, neighbours)
		})
	}), false)
	return []string{"--corpus", base + "/urls.txt.gz"}, err
}

// inPostgres are cases that land in PostgreSQL.
func inPostgres() []attack {
	var rows []attack
	for _, name := range []string{"40 bodies of 15 MB, 15 kB packed", "650,000 small objects", "escapes in every text", "wiki: millions of empty pages in 70 KiB", "wiki: 8 MiB of text each",
		"HTTP/2: 40 bodies of 15 MB, 15 kB packed", "listing: empty pages for ever", "listing: a page of a million wrong names"} {
		for _, a := range slices.Concat(bodies(), wikis(), overTLS(), listings()) {
			if a.name == name {
				a.name, a.postgres = "PostgreSQL: "+a.name, true
				rows = append(rows, a)
			}
		}
	}
	return rows
}
