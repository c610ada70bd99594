import fc from 'fast-check'
import { expect, it } from 'vitest'
import { nearest } from '../errors/nearest.ts'
import { mayBeSetting } from './unread-variables.ts'

const settings = ['FINCHAT_SECRETS_PROVIDER', 'FINCHAT_LOCAL_PATH', 'FINCHAT_AUDIT_FOLDER', 'FINCHAT_A']

/** Adds, changes or leaves out a letter. */
function edited(name: string, [kind, at, letter]: readonly [number, number, string]): string {
  const place = at % (name.length + 1)
  return name.slice(0, place) + (kind === 2 ? '' : letter) + name.slice(place + (kind === 0 ? 0 : 1))
}

it('leaves out no name that is near a setting', () => {
  const edit = fc.tuple(fc.nat({ max: 2 }), fc.nat({ max: 40 }), fc.constantFrom(...'FINCHATX_9fin'))
  fc.assert(
    fc.property(fc.constantFrom(...settings), fc.array(edit, { maxLength: 3 }), (setting, edits) => {
      const name = edits.reduce(edited, setting)
      if (nearest(name, settings) !== undefined) expect(mayBeSetting(name)).toBe(true)
    }),
    { numRuns: 5_000 },
  )
})

it.each(['PATH', 'HOME', 'SHELL', 'LOGNAME', 'PWD', 'DATABASE_URL', 'AWS_REGION', 'XDG_RUNTIME_DIR'])(
  'leaves out what no setting is near: %s',
  (name) => expect(mayBeSetting(name)).toBe(false),
)
