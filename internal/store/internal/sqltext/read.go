package sqltext

import (
	"fmt"
	"strings"

	"shoal/internal/harvest"
	"shoal/internal/store"
)

// NotRetried ends a query of pages: those that were put back are not done.
func (d Dialect) NotRetried() string {
	schema, run := d.Schema, d.Parameter(1)
	return fmt.Sprintf(" AND NOT EXISTS (SELECT 1 FROM %[1]sretried r WHERE r.run = %[2]s AND r.key = %[1]spages.key)", schema, run)
}

// notLanded lets a query use the index of the items that did not land.
const notLanded = " AND outcome <> 'landed'"

// OutcomesOf is the query of CountOutcomes, for the outcomes that a condition selects; losses
// reports that landed is not among them.
func (d Dialect) OutcomesOf(selects string, losses bool) string {
	if losses {
		selects += notLanded
	}
	return fmt.Sprintf(`SELECT p.outcome, coalesce(p.reason, ''), coalesce(p.status, 0), count(*), count(r.key)
		FROM %[1]spages p LEFT JOIN %[1]sretried r ON r.run = p.run AND r.key = p.key
		WHERE p.run = %[2]s AND p.outcome %[3]s GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3`, d.Schema, d.Parameter(1), selects)
}

// InsertInto is the statement that adds a row, with unnumbered parameters.
func InsertInto(table string, columns []string) string {
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (?%s)", table, strings.Join(columns, ", "), strings.Repeat(", ?", len(columns)-1))
}

// ExportQuery writes the query of an export for either twin: its tables are prefixed by schema, and
// placeholder writes the n-th parameter.
func (d Dialect) ExportQuery(q store.Query, keyArg func(harvest.Key) any) (sql string, args []any, err error) {
	schema, placeholder := d.Schema, d.Parameter
	bodies, order := "body, raw", "key"
	if q.Latest {
		bodies, order = "NULL, NULL", "fetched_at DESC, key DESC"
	}
	args = append(args, q.Run)
	only := func(column string, value any) {
		args = append(args, value)
		sql += " AND " + column + " = " + placeholder(len(args))
	}
	limit := ""
	if q.Limit > 0 {
		limit = fmt.Sprintf(" LIMIT %d", q.Limit)
	}
	switch q.What {
	case store.PageRows:
		sql = `SELECT key, url, coalesce(id, ''), outcome, coalesce(status, 0), coalesce(reason, ''), coalesce(detail, ''), attempts,
			coalesce(revision, ''), coalesce(media_type, ''), headers, fetched_at, ` + bodies + ` FROM ` + schema + "pages WHERE run = " + placeholder(1)
		if len(q.Outcomes) > 0 {
			var list []string
			for _, o := range q.Outcomes {
				args = append(args, string(o))
				list = append(list, placeholder(len(args)))
			}
			sql += " AND outcome IN (" + strings.Join(list, ", ") + ")"
			if store.Losses(q.Outcomes) {
				sql += notLanded
			}
		}
		for column, text := range map[string]string{"reason": q.Reason, "id": q.ID, "url": q.URL} {
			if text != "" {
				only(column, text)
			}
		}
		if q.Status != 0 {
			only("status", q.Status)
		}
		if q.Key != nil {
			only("key", keyArg(*q.Key))
		}
		return sql + " ORDER BY " + order + limit, args, nil
	case store.RecordRows:
		sql = `SELECT r.key, p.url, coalesce(p.id, ''), r.ordinal, coalesce(r.kind, ''), r.data FROM ` + schema + "records r JOIN " + schema +
			"pages p ON p.run = r.run AND p.key = r.key WHERE r.run = " + placeholder(1) + " AND p.run = " + placeholder(1)
		if q.Key != nil {
			only("r.key", keyArg(*q.Key))
		}
		return sql + " ORDER BY r.key, r.ordinal" + limit, args, nil
	}
	return "", nil, q.Check()
}
