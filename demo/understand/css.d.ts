/** Style sheets are for Vite to put into the page. */
declare module '*.css';
