-- Discussions about deletion (--extract afd) as columns, a row for each comment, vote, relisting, notice and closing.
-- Instants are text in UTC, as RFC 3339 writes them; struck is 0 or 1.
CREATE VIEW afd_comments AS
	SELECT run, key, ordinal, kind,
		data->>'$.page_title' AS page_title, CAST(data->>'$.page_id' AS INTEGER) AS page_id, CAST(data->>'$.rev_id' AS INTEGER) AS rev_id,
		CAST(data->>'$.seq' AS INTEGER) AS seq, data->>'$.comment_id' AS comment_id, data->>'$.parent_id' AS parent_id,
		CAST(data->>'$.depth' AS INTEGER) AS depth, data->>'$.author' AS author, data->>'$.author_kind' AS author_kind,
		data->>'$.timestamp' AS "timestamp", data->>'$.label' AS label, data->>'$.raw_label' AS raw_label,
		CAST(data->>'$.struck' AS INTEGER) AS struck, data->>'$.signed' AS signed, data->>'$.text' AS text, data->>'$.text_plain' AS text_plain,
		data->'$.policy_links' AS policy_links,
		data->>'$.outcome.label' AS outcome_label, data->>'$.outcome.raw' AS outcome_raw
	FROM records
	WHERE kind IN ('close', 'nomination', 'comment', 'relist', 'notice') AND json_type(data, '$.comment_id') = 'text';
