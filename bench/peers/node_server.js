/*
 * What a good engineer would write in a day instead of Doublecrew: small JSON facts in over WebSocket (`ws`), stored with
 * better-sqlite3, acknowledged after the commit, and out to whoever watches. It checks no signature, keeps no chain, judges
 * nothing and knows no scopes.
 *
 * Mutual TLS 1.3, compression only with --deflate, SQLite in WAL mode with synchronous=FULL. Group commit: whatever pushes the event loop
 * brought in one turn share a transaction. A fact costs one operation row and one upsert of the present value.
 *
 * node node_server.js --port N --certs DIR --store FILE [--deflate]      (prints "ready" once it listens)
 */
'use strict';
const fs = require('node:fs');
const https = require('node:https');
const { parseArgs } = require('node:util');
const Database = require('better-sqlite3');
const { WebSocketServer } = require('ws');

const PAGE = 1000;
const BUFFERED_MAX = 4 * 1024 * 1024; // of one reader; a slower one is dropped and resumes with `since`

const { values: options } = parseArgs({
    options: { port: { type: 'string' }, certs: { type: 'string' }, store: { type: 'string' },
        deflate: { type: 'boolean', default: false } },
});

const db = new Database(options.store);
db.pragma('journal_mode = WAL');
db.pragma('synchronous = FULL');
db.pragma('cache_size = -65536');
db.exec(`
    CREATE TABLE IF NOT EXISTS operation (
        pos INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, device TEXT NOT NULL, body TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS current (
        visit TEXT NOT NULL, field TEXT NOT NULL, at TEXT NOT NULL, value TEXT NOT NULL,
        PRIMARY KEY (visit, field)) STRICT, WITHOUT ROWID;
`);
const addOperation = db.prepare('INSERT INTO operation (id, device, body) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING');
const setCurrent = db.prepare(`
    INSERT INTO current (visit, field, at, value) VALUES (?, ?, ?, ?)
    ON CONFLICT (visit, field) DO UPDATE SET at = excluded.at, value = excluded.value WHERE excluded.at >= at`);
const readPage = db.prepare('SELECT pos, body FROM operation WHERE pos > ? ORDER BY pos LIMIT ?');
const lastPos = db.prepare('SELECT coalesce(max(pos), 0) AS pos FROM operation');

/* Which of a visit's values a fact sets: one for each field, one for each note, one for check-in, outcome and check-out. */
function fieldOf(fact) {
    if (fact.kind === 'edit') return fact.field;
    return fact.kind === 'note' ? fact.id : fact.kind;
}

function isFact(fact) {
    return typeof fact?.id === 'string' && typeof fact.visit === 'string' && typeof fact.kind === 'string' &&
        typeof fact.at === 'string';
}

/* Group commit ---------------------------------------------------------------------------------------------------- */

let waiting = []; // pushes: { socket, device, facts }
const watchers = new Set();

const commit = db.transaction((pushes) => {
    const added = [];
    for (const { device, facts } of pushes) {
        for (const fact of facts) {
            const body = JSON.stringify(fact);
            if (addOperation.run(fact.id, device, body).changes === 0) continue; // came before: acknowledged again
            setCurrent.run(fact.visit, fieldOf(fact), fact.at, body);
            added.push(body);
        }
    }
    return added;
});

function tellWatchers(added) {
    if (added.length === 0 || watchers.size === 0) return;
    const message = `{"changes":[${added.join(',')}]}`;
    for (const socket of watchers) {
        if (socket.bufferedAmount > BUFFERED_MAX) socket.terminate();
        else socket.send(message);
    }
}

function flush() {
    const pushes = waiting;
    waiting = [];
    let added;
    try {
        added = commit.immediate(pushes);
    } catch (error) {
        for (const { socket } of pushes) socket.send(JSON.stringify({ error: error.message }));
        return;
    }
    for (const { socket, facts } of pushes) socket.send(`{"ack":${facts.length}}`);
    tellWatchers(added);
}

function takePush(socket, device, facts) {
    if (!Array.isArray(facts) || !facts.every(isFact)) {
        socket.close(1007, 'a push is an array of facts with id, visit, kind and at');
        return;
    }
    if (waiting.length === 0) setImmediate(flush);
    waiting.push({ socket, device, facts });
}

/* Out ------------------------------------------------------------------------------------------------------------- */

/* Page after page, the next when the last one has left; then live. No turn of the loop lies between the last look at the
   store and becoming a watcher, so nothing is missed. */
function sendFrom(socket, since) {
    if (socket.readyState !== socket.OPEN) return;
    const rows = readPage.all(since, PAGE);
    if (rows.length === 0) {
        watchers.add(socket);
        socket.send(`{"live":${since}}`);
        return;
    }
    const next = rows[rows.length - 1].pos;
    socket.send(`{"pos":${next},"changes":[${rows.map((row) => row.body).join(',')}]}`, () => sendFrom(socket, next));
}

/* Connections ----------------------------------------------------------------------------------------------------- */

const server = https.createServer({
    key: fs.readFileSync(`${options.certs}/server/localhost.key`),
    cert: fs.readFileSync(`${options.certs}/server/localhost.pem`),
    ca: fs.readFileSync(`${options.certs}/ca-bundle.pem`),
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
});
const sockets = new WebSocketServer({ server, path: '/sync', perMessageDeflate: options.deflate, maxPayload: 1024 * 1024 });

sockets.on('connection', (socket, request) => {
    const device = request.socket.getPeerCertificate().subject.CN;
    request.socket.setNoDelay(true);
    socket.on('message', (data) => {
        let message;
        try {
            message = JSON.parse(data);
        } catch {
            socket.close(1007, 'not JSON');
            return;
        }
        if (message.push !== undefined) takePush(socket, device, message.push);
        else if (Number.isInteger(message.since)) sendFrom(socket, message.since < 0 ? lastPos.get().pos : message.since);
        else socket.close(1008, 'neither a push nor since');
    });
    socket.on('close', () => watchers.delete(socket));
    socket.on('error', () => watchers.delete(socket));
});

server.on('error', (error) => {
    console.error(error.message);
    process.exit(1);
});
server.listen(Number(options.port), '127.0.0.1', () => console.log('ready'));
