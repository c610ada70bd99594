import { stripTypeScriptTypes } from 'node:module'
import { runInThisContext } from 'node:vm'
import { expect, test } from 'vitest'
import { schemataOf } from './schemata.ts'

/** What stands behind the file's name: where, and what is replaced by what. */
function mutantsOf(source: string): string[] {
  return schemataOf('f.ts', source).mutants.map(({ id }) => id.slice('f.ts '.length))
}

/** Runs the code with one mutant on, and returns what it gives for the argument. */
function results(source: string, argument: unknown): Record<string, unknown> {
  const { mutants, code } = schemataOf('f.ts', source, 10)
  const run: (argument: unknown) => unknown = runInThisContext(`(argument) => {${stripTypeScriptTypes(code)}\nreturn f(argument)}`)
  const resultWith = (active: number): unknown => {
    Object.assign(globalThis, { mutation: { active, covered: new Set() } })
    return run(argument)
  }
  const entries = mutants.map(({ id }, index) => [id.slice('f.ts '.length), resultWith(10 + index)] as const)
  return Object.fromEntries([['none', resultWith(-1)], ...entries])
}

test('each operator, condition, constant and statement gets its faults, under the name of what it stands in', () => {
  expect(mutantsOf('function f(a: number) { if (a >= 5) throw new Error("it is large"); return !a && [1].some(Boolean) }')).toEqual([
    'f: a >= 5 -> true',
    'f: a >= 5 -> false',
    'f: a >= 5 -> (a) > (5)',
    'f: a >= 5 -> (a) < (5)',
    'f: 5 -> 6',
    'f: throw new Error("it is large"); -> ',
    'f: !a && [1].some(Boolean) -> (!a) || ([1].some(Boolean))',
    'f: !a -> a',
    'f: [1].some(Boolean) -> [1].every(Boolean)',
    'f: 1 -> 2',
  ])
})

test('names of members, modules, types and prose are no constants; two equal faults in one place have different ids', () => {
  const source = `import { x } from 'node:x'\nconst a: 'type' | { key: 5 } = { kind: 'kind', text: 'some prose'.toString() } as 'other'\nclass C { m() { return [7, 7] } }`
  expect(mutantsOf(source)).toEqual(["a: 'type' | { key: 5 }: 'kind' -> 'mutated'", 'C.m: 7 -> 8', 'C.m: 7 -> 8 (2)'])
})

test('only the fault that is on counts, and the code is as it was while none is', () => {
  const source = `
    function f(a: number): string {
      let text = 'a'
      for (const each of [1, 2]) if (each < a) text += each
      else text = [text, '-'].join('')
      return a > 1 && a < 3 ? text : String(a ?? 0)
    }`
  const { none, ...faulty } = results(source, 2)
  expect(none).toBe('a1-')
  expect(faulty['f: each < a -> (each) <= (a)']).toBe('a12')
  expect(faulty['f: text += each -> text -= each']).toBe('NaN-')
  expect(faulty["f: text = [text, '-'].join('') -> "]).toBe('a1')
  expect(faulty['f: a > 1 && a < 3 -> false']).toBe('2')
})

test('a fault in the set-up of a module differs from one in its use', () => {
  const { mutants } = schemataOf('f.ts', 'const a = 5\nconst f = () => 6\nclass C { x = 7; static y = 8; m() { return 9 } }')
  expect(mutants.map(({ id, isStatic }) => `${id.slice(5)} ${isStatic}`)).toEqual([
    'a: 5 -> 6 true',
    'f: 6 -> 7 false',
    'C.x: 7 -> 8 false',
    'C.y: 8 -> 9 false',
    'C.m: 9 -> 10 false',
  ])
})
