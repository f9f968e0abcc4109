-- What was told of zones of several places as a whole is held against what came, beside their places. Rows from before it have none.
ALTER TABLE forecast_score
    ADD COLUMN zone_answers     integer NOT NULL DEFAULT 0,
    ADD COLUMN zone_brier       double precision NOT NULL DEFAULT 0,
    ADD COLUMN zone_brier_usual double precision NOT NULL DEFAULT 0,
    ADD COLUMN zone_brier_now   double precision NOT NULL DEFAULT 0,
    ADD CONSTRAINT forecast_score_zone_answers_check CHECK (zone_answers BETWEEN 0 AND forecasts);
COMMENT ON COLUMN forecast_score.zone_answers IS 'How often it was told how probable a bay is that anybody may use, in a zone of several places';
COMMENT ON COLUMN forecast_score.zone_brier IS 'Squared errors of these chances; of how often there usually is such a bay; of whether there was one when they were issued';
