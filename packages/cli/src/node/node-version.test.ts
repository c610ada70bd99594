import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { runChild } from '../testing/child.ts'
import { makeProject } from '../testing/make-project.ts'
import { isRecentNode, leastNode } from './node-version.ts'

/** Has the program believe that it runs on this version. */
const on = (version: string): readonly string[] => [
  '--import',
  `data:text/javascript,Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`,
]

describe('an older Node.js', () => {
  it('is told by the program which version it needs, and nothing else is loaded', async () => {
    const { code, stdout, stderr } = await runChild(['list'], { cwd: makeProject({}), node: on('20.20.2') })
    expect([code, stdout]).toEqual([70, ''])
    expect(stderr).toMatch(/^error: .+\nwhy: {3}it needs Node\.js 22\.19 or later, this is 20\.20\.2\nfix: {3}.+\n$/)
  })

  it('is told to programs by --json', async () => {
    const { stderr } = await runChild(['list', '--json'], { cwd: makeProject({}), node: on('22.18.0') })
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'CONFIGURATION', exitCode: 70 } })
  })

  it('is told by register, before the first line of the application', async () => {
    const app = `${makeProject({ 'app.js': "console.log('started')" })}/app.js`
    const register = ['--import', new URL('../register.ts', import.meta.url).href]
    const { code, stdout, stderr } = await runChild([], { cwd: makeProject({}), program: app, node: [...on('20.20.2'), ...register] })
    expect([code, stdout]).toEqual([70, ''])
    expect(stderr).toContain('this is 20.20.2')
  })

  it.each([
    ['22.18.9', false],
    ['22.19.0', true],
    ['23.0.0', true],
    ['9.99.0', false],
  ])('%s is recent: %s', (version, expected) => {
    expect(isRecentNode(version)).toBe(expected)
  })

  it('is the one that package.json names', () => {
    const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
    expect(JSON.parse(manifest)).toMatchObject({ engines: { node: `>=${leastNode.join('.')}` } })
  })

  it('can read the program, and the two files that it imports: they import nothing', () => {
    const importsOf = (file: string): string[] => readFileSync(new URL(file, import.meta.url), 'utf8').match(/^import .+$/gm) ?? []
    expect(importsOf('../main.ts')).toEqual([
      "import { enableCompileCache } from './config/compile-cache.ts'",
      "import { refuseOldNode } from './node/node-version.ts'",
    ])
    expect(
      [...importsOf('../config/compile-cache.ts'), ...importsOf('node-version.ts')].filter((line) => !line.startsWith('import type')),
    ).toEqual([])
  })
})
