package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver
	_ "modernc.org/sqlite"             // the driver

	"shoal/internal/store/kinds"
	"shoal/internal/testenv"
)

// outcomes counts the neighbours that landed, and how the others ended.
func (c *scene) outcomes(store string, before error) (landed int, others string, err error) {
	driver, source, pages := "pgx", store, "shoal.pages"
	if file, ok := kinds.Path(store); ok {
		driver, source, pages = "sqlite", "file:"+filepath.Join(c.dir, file)+"?mode=ro", "pages"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		return 0, "", errors.Join(before, err)
	}
	defer db.Close()
	ctx := context.Background()
	count := "SELECT count(*) FROM " + pages + " WHERE url LIKE '" + c.neighbour + "' AND outcome = 'landed'"
	if err := db.QueryRowContext(ctx, count).Scan(&landed); err != nil {
		return 0, "no rows", before // the worker was refused before it made a table
	}
	query := "SELECT outcome, coalesce(reason, ''), count(*) FROM " + pages + " WHERE NOT (url LIKE '" + c.neighbour + "' AND outcome = 'landed') GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2" //nolint:gosec // both parts are ours
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return landed, "", errors.Join(before, err)
	}
	defer rows.Close()
	for rows.Next() {
		var how, why string
		var n int
		if err := rows.Scan(&how, &why, &n); err != nil {
			return landed, others, errors.Join(before, err)
		}
		others += fmt.Sprintf("%d %s, ", n, strings.TrimSpace(how+" "+why))
	}
	return landed, strings.TrimSuffix(others, ", "), errors.Join(before, rows.Err())
}

// cluster is a private PostgreSQL, started as a user that is not root.
type cluster struct {
	url  string
	stop func()
}

// database makes an empty database for a scene; the first one starts the cluster.
func (s *stage) database(c *scene) (string, error) {
	if s.postgres == nil {
		base, stop, err := testenv.Cluster()
		if err != nil {
			return "", err
		}
		s.postgres = &cluster{base, stop}
	}
	u, err := url.Parse(s.postgres.url)
	if err != nil {
		return "", err
	}
	name := "h_" + strings.ToLower(rand.Text())[:12]
	if err := s.postgres.do("CREATE DATABASE " + name); err != nil {
		return "", err
	}
	c.ending = append(c.ending, func() { _ = s.postgres.do("DROP DATABASE " + name + " WITH (FORCE)") }) // the cluster goes too
	u.Path = "/" + name
	return u.String(), nil
}

func (p *cluster) do(statement string) error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, p.url)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}
