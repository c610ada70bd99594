import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { context, failure, fixtures, identity, temporaryFolder } from '../testing/temporary-files.ts'
import { sopsDocument } from './sops-document.ts'

/** What the decryption of values gives, from now on. */
function decrypted(): Buffer[] {
  const crypto = process.getBuiltinModule('node:crypto')
  const { createDecipheriv } = crypto
  const plain: Buffer[] = []
  vi.spyOn(crypto, 'createDecipheriv').mockImplementation((...args: Parameters<typeof createDecipheriv>) => {
    const decipher = createDecipheriv(...args)
    const update = decipher.update.bind(decipher)
    const recorded = (data: NodeJS.ArrayBufferView): Buffer => {
      const bytes = update(data)
      plain.push(bytes)
      return bytes
    }
    return Object.assign(decipher, { update: recorded })
  })
  onTestFinished(() => void vi.restoreAllMocks())
  return plain
}

test.each(['intact', 'altered'])('an %s file leaves no plain bytes of its values behind', async (state) => {
  const file = join(temporaryFolder(), 'secrets.json')
  await copyFile(join(fixtures, 'sops/secrets.json'), file)
  const content = await readFile(file, 'utf8')
  if (state === 'altered') await writeFile(file, content.replaceAll(/,tag:./g, ',tag:A'))
  const plain = decrypted()
  const provider = sopsDocument({ file, identity })
  if (state === 'intact') await provider.get('token', context)
  else expect((await failure(() => provider.get('token', context))).code).toBe('INTEGRITY')
  const values = plain.filter(({ length }) => length !== 128) // the MAC is a hash
  expect(values.length).toBeGreaterThan(0)
  for (const bytes of values) expect(bytes.every((byte) => byte === 0)).toBe(true)
})
