import { expect, test } from 'vitest'
import { restrictedModes, runModule } from './run-module.ts'

const cwd = import.meta.dirname

test('a module gets its arguments, its flags and its environment, and what it prints is returned', async () => {
  const code = 'console.log(JSON.stringify([process.argv.slice(1), process.execArgv.includes("--expose-gc"), process.env.ADDED]))'
  const printed = await runModule(code, { cwd, flags: ['--expose-gc'], args: ['--one', 'two'], env: { ADDED: 'yes' } })
  expect(JSON.parse(printed)).toEqual([['--one', 'two'], true, 'yes'])
})

test('a module that throws rejects', async () => {
  await expect(runModule('throw new Error("failed")', { cwd })).rejects.toThrow('failed')
})

/** What each mode forbids: a module that does it must fail there, and nowhere else. */
const forbidden = [
  ['with frozen intrinsics', '"use strict"; Array.prototype.map = () => {}'],
  ['with no right except to read its code', 'process.getBuiltinModule("node:fs").readdirSync("/")'],
  ['without code generated from strings', 'new Function("return 1")()'],
  ['without __proto__', '({}).__proto__'],
] as const

test.each(restrictedModes(cwd))('%s a module fails that does what is forbidden, and no other', async (title, flags) => {
  const outcomes = await Promise.all(
    forbidden.map(async ([what, code]) => [
      what,
      await runModule(code, { cwd, flags }).then(
        () => false,
        () => true,
      ),
    ]),
  )
  expect(outcomes).toEqual(forbidden.map(([what]) => [what, what === title]))
})
