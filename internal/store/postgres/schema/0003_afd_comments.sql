-- Discussions about deletion (--extract afd) as columns, a row for each comment, vote, relisting, notice and closing.
CREATE VIEW shoal.afd_comments AS
	SELECT run, key, ordinal, kind,
		data->>'page_title' AS page_title, (data->>'page_id')::bigint AS page_id, (data->>'rev_id')::bigint AS rev_id,
		(data->>'seq')::integer AS seq, data->>'comment_id' AS comment_id, data->>'parent_id' AS parent_id,
		(data->>'depth')::integer AS depth, data->>'author' AS author, data->>'author_kind' AS author_kind,
		(data->>'timestamp')::timestamptz AS "timestamp", data->>'label' AS label, data->>'raw_label' AS raw_label,
		(data->>'struck')::boolean AS struck, data->>'signed' AS signed, data->>'text' AS text, data->>'text_plain' AS text_plain,
		data->'policy_links' AS policy_links,
		data#>>'{outcome,label}' AS outcome_label, data#>>'{outcome,raw}' AS outcome_raw
	FROM shoal.records
	WHERE kind IN ('close', 'nomination', 'comment', 'relist', 'notice') AND data ? 'comment_id';
