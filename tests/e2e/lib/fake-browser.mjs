// A browser for programs that open one themselves: signs in as E2E_USER, allows what is asked for,
// and goes back to where the program waits. What nobody may log goes to the file E2E_SECRETS.

import { appendFileSync } from 'node:fs';
import { Person } from './person.mjs';

const start = process.argv[2];
const person = new Person();
const back = await person.authorize(start, { user: process.env.E2E_USER });
const cookies = person.jar.cookies.map(({ value }) => value).filter((value) => value.length >= 16);
appendFileSync(process.env.E2E_SECRETS, [...person.codes, ...cookies].map((secret) => `${secret}\n`).join(''));
const { status } = await fetch(back);
if (status >= 400) throw new Error(`the program answered ${status} to ${back.origin}${back.pathname}`);
