-- What the Node peer keeps, in PostgreSQL: one operation row and one upsert of the present value for each fact.
CREATE TABLE operation (
    pos bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    body json NOT NULL
);
CREATE TABLE current (
    visit uuid NOT NULL,
    field text NOT NULL,
    at timestamptz NOT NULL,
    value json NOT NULL,
    PRIMARY KEY (visit, field)
);
