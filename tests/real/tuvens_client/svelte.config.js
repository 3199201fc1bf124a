import adapter from '@sveltejs/adapter-node';

const flavour = process.env.FLAVOUR;

export default {
	kit: {
		adapter: adapter({ out: `build/${flavour}`, precompress: false }),
		outDir: `.svelte-kit/${flavour}`,
		files: {
			routes: `${flavour}/routes`,
			lib: `${flavour}/lib`,
			appTemplate: 'app.html',
			hooks: { server: `${flavour}/hooks.server` } // only the idiomatic one has it
		}
	}
};
