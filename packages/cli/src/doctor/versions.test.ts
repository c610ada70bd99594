import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { evaluate } from '../testing/evaluate.ts'
import { makeProject } from '../testing/make-project.ts'
import { nodeFinding, packagesFinding, peerFindings } from './versions.ts'

const date = new Date('2026-11-28')

describe('the version of Node.js', () => {
  it.each([
    ['22.18.9', date, 'fail'],
    ['20.19.0', date, 'fail'],
    ['22.19.0', date, 'ok'],
    ['24.21.0', date, 'ok'],
    ['23.1.0', date, 'warn'],
    ['22.19.0', new Date('2027-05-01'), 'warn'],
    ['40.0.0', date, 'ok'],
  ])('%s is %s', (version, now, status) => {
    expect(nodeFinding(version, now).status).toBe(status)
  })
})

const manifest = (name: string, version: string): Record<string, string> => ({
  [`node_modules/@finchat/secrets-${name}/package.json`]: JSON.stringify({ name: `@finchat/secrets-${name}`, version }),
})

describe('the packages of a project', () => {
  it('are fine if they load one core', () => {
    const folder = makeProject({ ...manifest('core', '0.3.0'), ...manifest('provider-local', '0.4.1') })
    expect(evaluate(join(import.meta.dirname, 'versions.ts'), 'packagesFinding', [['local', 'env'], folder])).toMatchObject({
      status: 'ok',
      finding: expect.stringMatching(/core 0\.3\.0.*provider-local 0\.4\.1/),
    })
  })

  it('are warned of if they load different versions of core', () => {
    const own = 'node_modules/@finchat/secrets-provider-vault/node_modules/@finchat/secrets-core/package.json'
    const folder = makeProject({
      'pnpm-lock.yaml': '',
      'package.json': '{}',
      ...manifest('core', '0.3.0'),
      ...manifest('provider-vault', '0.1.0'),
      [own]: '{"version":"0.1.0"}',
    })
    const finding = packagesFinding(['vault'], folder)
    expect(finding).toMatchObject({ status: 'warn', finding: expect.stringContaining('different versions of core') })
    expect(finding.remedy).toMatch(/^run: pnpm add .*@finchat\/secrets-provider-vault@latest/)
  })

  it('miss what a provider needs besides', () => {
    const folder = makeProject({ 'package-lock.json': '', 'package.json': '{}', ...manifest('provider-file', '0.1.0') })
    expect(evaluate(join(import.meta.dirname, 'versions.ts'), 'peerFindings', [['age', 'env'], folder])).toEqual([
      {
        status: 'warn',
        check: 'age-encryption',
        finding: 'age needs the package age-encryption, which is not installed',
        remedy: 'run: npm install age-encryption',
      },
    ])
    expect(peerFindings(['local', 'constructor'], folder)).toEqual([])
  })
})
