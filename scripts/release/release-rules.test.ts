import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { auditOf } from './advisories.ts'
import { dryRunFaults, versionsOnNpm } from './dry-run.ts'
import { installedIn, installScriptFaults, licenceFaults, type Installed } from './production-tree.ts'
import { sbomFaults, sbomFile } from './sbom.ts'

function installed(license: string, manifest: object = {}, files: readonly string[] = []): Installed {
  const path = mkdtempSync(join(tmpdir(), 'release-test-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  writeFileSync(join(path, 'package.json'), JSON.stringify({ name: 'a', ...manifest }))
  mkdirSync(join(path, 'src'))
  for (const file of files) writeFileSync(join(path, file), '')
  return { name: 'a', versions: ['1.0.0'], paths: [path], license }
}

test.each(['MIT', 'Apache-2.0', '(Public Domain OR MIT)', '(GPL-3.0 OR Apache-2.0)', 'MIT AND ISC'])(
  'the licence %s is allowed',
  (license) => {
    expect(licenceFaults([installed(license)])).toEqual([])
  },
)

test.each(['GPL-3.0-only', 'MIT AND GPL-3.0-only', 'UNLICENSED', 'Unknown', 'SSPL-1.0 OR BUSL-1.1'])(
  'the licence %s is named',
  (license) => {
    expect(licenceFaults([installed(license)])).toEqual([`a@1.0.0 has the licence ${license}, which is not allowed`])
  },
)

test('what pnpm lists by licence is one list', () => {
  expect(installedIn('{ "MIT": [{ "name": "a" }], "ISC": [{ "name": "b" }] }').map(({ name }) => name)).toEqual(['a', 'b'])
})

test('scripts of a package that run for its own developers are none of an install', () => {
  expect(installScriptFaults([installed('MIT', { scripts: { prepare: 'x', build: 'x', test: 'x' } })])).toEqual([])
})

test.each(['preinstall', 'install', 'postinstall'])('a script at %s is found', (script) => {
  expect(installScriptFaults([installed('MIT', { scripts: { [script]: 'node x.js' } })])).toEqual([
    `a runs a script at ${script}: node x.js`,
  ])
})

test('native code that npm would build is found', () => {
  expect(installScriptFaults([installed('MIT', {}, ['binding.gyp'])])).toEqual(['a builds native code when it is installed: binding.gyp'])
})

const member = {
  folder: 'packages/audit',
  manifest: { name: '@finchat/secrets-audit', version: '0.1.0', dependencies: { '@a/b': '^1.0.0' } },
}
const licenses = [{ license: { id: 'MIT' } }]
const bom = {
  bomFormat: 'CycloneDX',
  metadata: { component: { group: '@finchat', name: 'secrets-audit', version: '0.1.0' } },
  components: [
    { group: '@a', name: 'b', version: '1.2.3', licenses },
    { name: 'c', version: '1.0.0', licenses },
  ],
}

test('an SBOM of the package, with its dependencies and their licences, is whole', () => {
  expect(sbomFaults(member, JSON.stringify(bom))).toEqual([])
  expect(sbomFile('@finchat/secrets-audit')).toBe('finchat-secrets-audit.json')
})

test.each([
  ['it is no CycloneDX', { ...bom, bomFormat: 'SPDX' }],
  [
    'it is not of @finchat/secrets-audit@0.1.0',
    { ...bom, metadata: { component: { group: '@finchat', name: 'secrets-audit', version: '0.0.9' } } },
  ],
  ['it lacks the dependency @a/b', { ...bom, components: bom.components.slice(1) }],
  [
    'c has no version or no licence in it',
    { ...bom, components: [...bom.components.slice(0, 1), { name: 'c', version: '1.0.0', licenses: [] }] },
  ],
  ['it has paths of this machine', { ...bom, at: '/home/somebody/secrets' }],
])('an SBOM is faulty: %s', (fault, text) => {
  expect(sbomFaults(member, JSON.stringify(text))).toEqual([`the SBOM of packages/audit: ${fault}`])
})

const advisory = (severity: string): object => ({ module_name: 'a', severity, title: 'reads too much' })

test('high and critical advisories are faults, and lower ones are not', () => {
  const advisories = { 1: advisory('high'), 2: advisory('critical'), 3: advisory('moderate'), 4: advisory('low') }
  expect(auditOf(JSON.stringify({ advisories }), '')).toEqual({ faults: ['a: high: reads too much', 'a: critical: reads too much'] })
  expect(auditOf('{ "advisories": {} }', '')).toEqual({ faults: [] })
})

test.each([
  ['The audit endpoint (at https://a.example/x) responded with 405: ', 'the registry answered 405'],
  ['ECONNREFUSED', 'no registry answered'],
  ['{ "error": { "code": "ERR_PNPM_AUDIT_BAD_RESPONSE" } }', 'no registry answered'],
])('an audit without an answer is not run, and names no address: %s', (stderr, notRun) => {
  expect(auditOf(stderr.startsWith('{') ? stderr : '', stderr)).toEqual({ faults: [], notRun })
})

describe('a dry run of a release', () => {
  const members = ['a', 'b'].map((name) => ({ folder: `packages/${name}`, manifest: { name: `@x/${name}`, version: '0.1.0' } }))
  const said = '📦 @x/a@0.1.0 → https://registry.example/\n[WARN] Skip publishing @x/a@0.1.0 (dry run)'

  const had = (versions: Readonly<Record<string, readonly string[]>>) => async (name: string) => versions[name] ?? []

  test('leaves out what npm has, so that a release that was broken off can be finished', async () => {
    expect(await dryRunFaults(members, said, had({ '@x/b': ['0.1.0'] }))).toEqual([])
  })

  test('names what it leaves out otherwise, and what pnpm warns of', async () => {
    expect(await dryRunFaults(members, `${said}\n[WARN] something`, had({ '@x/b': ['0.0.9'] }))).toEqual([
      'a release would not publish @x/b@0.1.0',
      '[WARN] something',
    ])
  })

  test('names what would become `latest` though it is older or no release', async () => {
    const next = { folder: 'packages/c', manifest: { name: '@x/c', version: '0.2.0-next.0' } }
    const all = `${said}\n📦 @x/b@0.1.0 → x\n📦 @x/c@0.2.0-next.0 → x`
    expect(await dryRunFaults([...members, next], all, had({ '@x/a': ['0.0.9', '0.2.0-next.1'], '@x/b': ['0.0.9', '0.10.0'] }))).toEqual([
      '@x/b@0.1.0 would become `latest`, and npm has 0.10.0',
      '@x/c@0.2.0-next.0 would become `latest`, and is no release',
    ])
  })

  test('asks the registry which versions it has', async () => {
    const dist = { tarball: 'http://127.0.0.1/x.tgz', shasum: '0' }
    const versionsOf = (...versions: string[]): object =>
      Object.fromEntries(versions.map((version) => [version, { name: '@x/b', version, dist }]))
    const known: Readonly<Record<string, object>> = {
      '/@x/a': { name: '@x/a', 'dist-tags': { latest: '0.1.0' }, versions: versionsOf('0.1.0') },
      '/@x/b': { name: '@x/b', 'dist-tags': { latest: '0.2.0' }, versions: versionsOf('0.1.0', '0.2.0') },
    }
    const server = createServer((request, response) => {
      const found = known[decodeURIComponent(request.url ?? '')]
      response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(found ?? {}))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const registry = `http://127.0.0.1:${(server.address() as AddressInfo).port}/` // it listens on a port
    const env = { ...process.env, npm_config_registry: registry, pnpm_config_registry: registry }
    const found = ['@x/a', '@x/b', '@x/c'].map((name) => versionsOnNpm(name, env))
    expect(await Promise.all(found)).toEqual([['0.1.0'], ['0.1.0', '0.2.0'], []])
  })
})
