-- Which version of its rule a stay was judged by, beside the rule: a fingerprint of what the version said (occupancy/rule_versions.py).
ALTER TABLE stay ADD COLUMN rule_version text;
ALTER TABLE overstay ADD COLUMN rule_version text;
COMMENT ON COLUMN stay.rule_version IS 'NULL: no rule was in force at arrival, or a row of an engine before version 10';
COMMENT ON COLUMN overstay.rule_version IS 'NULL: a row of an engine before version 10';
