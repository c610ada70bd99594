import { chmodSync, lchownSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { makeProject } from '../testing/make-project.ts'
import { programIn } from '../testing/program-in.ts'
import { findConfig, missingConfig } from './find-config.ts'
import { inProject } from './project-package.ts'

const file = 'finchat-secrets.config.json'

/** As /tmp: every user may put something there. */
function sharedFolder(files: Readonly<Record<string, string>>): string {
  const folder = makeProject({ '.git/HEAD': '', 'mine/a.ts': '', ...files })
  chmodSync(folder, 0o1777)
  return folder
}

/** Makes it another user's: only root can, so that for others this process is the other user. */
function giveAway(path: string): void {
  if (process.getuid?.() === 0) lchownSync(path, 65_534, 65_534)
  else vi.spyOn(process, 'getuid').mockReturnValue(65_533)
}

afterEach(() => void vi.restoreAllMocks())

describe('in a folder that all users share', () => {
  it('a configuration of another user is refused, unless it is named', async () => {
    const folder = sharedFolder({ [file]: '{"provider":"env"}' })
    giveAway(join(folder, file))
    const here = join(folder, 'mine')
    expect(() => findConfig(here)).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION', message: expect.stringContaining('another user') }),
    )
    expect(await programIn(here, { A: 'x' }).run(['get', 'A'])).toMatchObject({ code: 70, stdout: '' })
    expect(await programIn(here, { A: 'x' }).run(['get', 'A', '--config', `../${file}`])).toMatchObject({ code: 0, stdout: 'x' })
    expect(missingConfig(here, {})).toBeUndefined()
  })

  it('a link of another user to a good configuration is refused too', () => {
    const folder = sharedFolder({ [`elsewhere/${file}`]: '{}' })
    symlinkSync(join(folder, 'elsewhere', file), join(folder, file))
    giveAway(join(folder, file))
    expect(() => findConfig(folder)).toThrow('another user')
  })

  it("this user's own is used, and so is another's where not everybody may write", () => {
    const [shared, team] = [sharedFolder({ [file]: '{}' }), makeProject({ [file]: '{}' })]
    expect(findConfig(shared)).toBe(join(shared, file))
    giveAway(join(team, file))
    expect(findConfig(team)).toBe(join(team, file))
  })

  it('a package of another user is not loaded', () => {
    const module = { 'node_modules/store/package.json': '{"main":"i.js"}', 'node_modules/store/i.js': 'module.exports = { ran: true }' }
    const folder = sharedFolder(module)
    expect(inProject('store', join(folder, 'mine'))?.()).toEqual({ ran: true })
    giveAway(join(folder, 'node_modules'))
    expect(inProject('store', join(folder, 'mine'))).toBeUndefined()
  })
})
