/** `npm run openapi`: writes `mobile-contracts/openapi.json` anew. */
import { writeFileSync } from 'node:fs'
import { problems } from '../http/problems.ts'
import { openApiDocument } from '../mobile-contracts/openapi.ts'

writeFileSync(new URL('../mobile-contracts/openapi.json', import.meta.url), `${JSON.stringify(openApiDocument(problems), null, 2)}\n`)
