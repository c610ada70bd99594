/**
 * A package in place of `@napi-rs/keyring` for a project's `node_modules`. Its keychain is a JSON
 * file, whose absence means that there is no keychain on this machine.
 */
export const fakeKeyring: Readonly<Record<string, string>> = {
  'node_modules/@napi-rs/keyring/package.json': '{"name":"@napi-rs/keyring","main":"index.js"}',
  'node_modules/@napi-rs/keyring/index.js': `
    const { readFileSync, writeFileSync } = require('node:fs')
    const file = require('node:path').join(__dirname, 'entries.json')
    const entries = () => {
      try { return JSON.parse(readFileSync(file, 'utf8')) }
      catch { throw new Error('canary-4711: AccessDenied') }
    }
    exports.AsyncEntry = class {
      constructor(service, name, { linux }) {
        if (linux.store !== 'secret-service') throw new Error('this store forgets')
        this.name = service + '/' + name
      }
      async getPassword() { return entries()[this.name] ?? null }
      async setPassword(text) { writeFileSync(file, JSON.stringify({ ...entries(), [this.name]: text })) }
    }`,
}

const entries = 'node_modules/@napi-rs/keyring/entries.json'

/** The files of a keychain with these entries, by their name. */
export function keyringWith(held: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const named = Object.entries(held).map(([name, text]) => [`finchat-secrets/${name}`, text])
  return { ...fakeKeyring, [entries]: JSON.stringify(Object.fromEntries(named)) }
}
