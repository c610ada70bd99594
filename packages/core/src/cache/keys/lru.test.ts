import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Lru } from './lru.ts'

describe('Lru', () => {
  it('evicts the least recently used entry, and a look-up counts as use', () => {
    const gone: string[] = []
    const lru = new Lru<string>(2, (value) => gone.push(value))
    lru.set('a', 'A')
    lru.set('b', 'B')
    lru.get('a')
    lru.set('c', 'C')
    expect(gone).toEqual(['B'])
    expect([lru.get('a'), lru.get('b'), lru.get('c')]).toEqual(['A', undefined, 'C'])
  })

  it('does not report deleted or replaced entries', () => {
    const gone: string[] = []
    const lru = new Lru<string>(1, (value) => gone.push(value))
    lru.set('a', 'A')
    lru.set('a', 'A2')
    expect(lru.delete('a')).toBe('A2')
    expect(lru.delete('a')).toBeUndefined()
    expect([lru.size, gone]).toEqual([0, []])
  })

  it('behaves like a list that ends with the latest used entry', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd')
    const step = fc.oneof(fc.tuple(fc.constant('set'), key), fc.tuple(fc.constant('get'), key), fc.tuple(fc.constant('delete'), key))
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), fc.array(step, { maxLength: 40 }), (capacity, steps) => {
        const gone: number[] = []
        const lru = new Lru<number>(capacity, (value) => gone.push(value))
        let list: (readonly [string, number])[] = []
        const evicted: number[] = []
        for (const [index, [kind, name]] of steps.entries()) {
          const old = list.find(([each]) => each === name)
          if (kind === 'get') expect(lru.get(name)).toBe(old?.[1])
          if (kind === 'delete') expect(lru.delete(name)).toBe(old?.[1])
          if (kind === 'set') lru.set(name, index)
          const now = kind === 'set' ? ([name, index] as const) : kind === 'get' ? old : undefined
          list = [...list.filter(([each]) => each !== name), ...(now === undefined ? [] : [now])]
          if (list.length > capacity) evicted.push(...list.splice(0, 1).map(([, value]) => value))
        }
        expect([...lru.entries()]).toEqual(list)
        expect([lru.size, gone]).toEqual([list.length, evicted])
      }),
    )
  })
})
